"""A collection in an Elasticsearch cluster."""
