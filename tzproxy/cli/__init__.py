"""The command line: joins configuration, store, recorder and HTTP server into processes."""
