"""Pages of PDFs as pictures, with the boxes of an answer's characters."""
