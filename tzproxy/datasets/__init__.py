"""Datasets: inputs with the outputs that they should have, made by hand or from inferences."""
