"""Following folders: an index is kept in step with them as long as `foreread watch` runs."""
