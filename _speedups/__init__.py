"""Compiled hot path: routing, sampling, ids, the recording ring, HTTP/1.1 and SSE parsing.

Each `.pyx` has its type stub (`.pyi`) beside it, its tests under `tests/_speedups/` and its benchmark
under `benchmarks/`. There is no second implementation in Python.
"""
