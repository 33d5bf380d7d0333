"""Many trainings of one teacher's students, measured alike and drawn in one table and plot."""
