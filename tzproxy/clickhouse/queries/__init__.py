"""Statements that read the store for the layers above, one file a subject."""
