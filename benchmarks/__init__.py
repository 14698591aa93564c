"""Benchmarks: micro benchmarks of the compiled core and codecs, and the end-to-end harness in `e2e`."""
