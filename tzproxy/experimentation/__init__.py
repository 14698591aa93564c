"""Experiments whose weights follow a metric: track-and-stop. See the README beside this file."""
