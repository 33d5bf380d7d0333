"""Evaluation: official metrics, the reader given its passage, retrieval, the whole path, speed."""
