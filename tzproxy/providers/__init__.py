"""Model providers: one file, folder or row of data each. See `protocol.py`."""
