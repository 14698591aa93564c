"""The HTTP face of the engine: an ASGI application, its routes, its error bodies."""
