"""Answering over the Model Context Protocol, for assistants and editors."""
