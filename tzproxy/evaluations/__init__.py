"""Runs inference evaluations: a variant over datapoints, its answers scored. Knows no HTTP and no SQL."""
