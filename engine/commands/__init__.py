"""The `engine` command, and what both commands share."""
