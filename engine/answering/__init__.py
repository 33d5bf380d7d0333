"""From a question and its passages to one list of answers."""
