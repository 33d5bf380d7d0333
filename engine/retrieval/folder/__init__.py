"""A collection in a folder: LMDB, Tantivy and FAISS."""
