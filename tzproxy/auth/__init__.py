"""API keys of clients: how they look, how they are made, and whether one may pass. Knows no HTTP."""
