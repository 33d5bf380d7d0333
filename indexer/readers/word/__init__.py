"""Word documents, read from their XML in document order."""
