"""Training: examples, batches, losses, and the loop that resumes."""
