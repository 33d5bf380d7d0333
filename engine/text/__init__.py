"""Text, below everything that models do with it: wordpieces, languages, matching."""
