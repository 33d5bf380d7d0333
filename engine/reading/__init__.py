"""Reading passages for questions: texts alone, pairs joined, spans."""
