"""From what was read to one list of answers."""
