"""What documents of offices have in common, Office Open XML and OpenDocument."""
