"""tzproxy: an LLM gateway that speaks TensorZero's API, configuration and tables."""

__version__ = "0.1.0"
