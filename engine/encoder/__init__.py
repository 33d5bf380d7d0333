"""The split encoder: a transformer cut at layer k, whose lower part runs at index time."""
