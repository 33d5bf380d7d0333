"""What stands on the pages of a PDF, from placed characters to paragraphs in reading order."""
