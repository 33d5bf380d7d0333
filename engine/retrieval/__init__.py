"""Finding passages: by their terms, by their vectors, and by both."""
