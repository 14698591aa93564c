"""Batch inference: many inferences handed to a provider at once, their answers fetched later."""
