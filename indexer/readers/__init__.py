"""One module per file format: each turns a file's bytes into documents."""
