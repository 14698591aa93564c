"""End-to-end benchmarks: gateways as processes, a mock provider behind them, a load generator before them.

`python -m benchmarks.e2e --help`; the method is described in `benchmarks/README.md`.
"""
