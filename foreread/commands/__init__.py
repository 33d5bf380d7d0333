"""The `foreread` command."""
