"""The OpenAI-compatible face: chat completions translated to and from inferences."""
