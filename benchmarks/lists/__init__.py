"""How long lists over many stored inferences take, and how much memory. `python -m benchmarks.lists`."""
