"""Feedback on inferences and episodes: metrics, comments, demonstrations."""
