"""A gateway inside of the program's process: the same routes and services as a server's, without a server."""
