"""Codecs: how states are stored."""
