"""Workflow evaluation runs: pinned variants and tags for all inferences of some episodes."""
