"""Anthropic's Messages API in front of the engine."""
