"""Gateways in real processes."""

from e2e.fixtures import gateway, own_gateway

__all__ = ["gateway", "own_gateway"]
