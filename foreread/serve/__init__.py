"""Answers over HTTP: `foreread serve`."""
