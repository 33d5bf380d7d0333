"""The parts of reading LaTeX: what a file defines, what its commands show, and its text."""
