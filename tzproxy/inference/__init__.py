"""The engine: from a decoded request to an answer and its rows. Knows no HTTP server."""
