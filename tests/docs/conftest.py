"""A gateway for the commands that documents show."""

from e2e.fixtures import gateway

__all__ = ["gateway"]
