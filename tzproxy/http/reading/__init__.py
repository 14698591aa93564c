"""Routes that read what has been recorded."""
