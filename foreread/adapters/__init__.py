"""Foreread as a part of other frameworks' pipelines: a module for each, which needs its extra."""
