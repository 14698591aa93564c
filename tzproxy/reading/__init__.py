"""Answers questions about what has been recorded. Reads only; knows no HTTP and no SQL."""
