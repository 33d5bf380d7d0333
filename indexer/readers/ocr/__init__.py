"""Reading pictures of text with the program Tesseract, where it is installed."""
