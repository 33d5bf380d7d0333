"""Questions of other kinds than SQuAD's, read from the files they're published in."""
