"""The passage store: LMDB holds the truth, and everything else is derived from it."""
