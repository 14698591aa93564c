"""TensorZero's Python client, over HTTP or with the engine in the same process."""
