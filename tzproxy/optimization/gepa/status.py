"""What clients get to know of a search. Field order is the wire's.

Source: `GET /v1/optimization/gepa/{task_id}` of TensorZero 2026.6.
"""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, Struct, UnsetType

from tzproxy.optimization.gepa.scores import EvaluatorStats


class Launched(Struct, frozen=True):
    """A search has begun."""

    task_id: str


class Progress(Struct, frozen=True):
    """How far a search is. Iterations count from 0, as in the names of the variants that they make."""

    current_iteration: int
    max_iterations: int
    current_step: str


class Pending(Struct, frozen=True, tag="pending", tag_field="status"):
    """It goes on."""

    progress: Progress | UnsetType = UNSET


class Completed(Struct, frozen=True, tag="completed", tag_field="status"):
    """It is over.

    `variants`: configurations of the new variants that nothing beats, by name. `statistics`: on the
    validation datapoints, of every variant that got so far, initial ones included. `skipped_iterations`: why,
    by number; ours, and only where there are some.
    """

    variants: dict[str, dict[str, Any]]
    statistics: dict[str, dict[str, EvaluatorStats]]
    skipped_iterations: dict[str, str] | UnsetType = UNSET


class Failed(Struct, frozen=True, tag="error", tag_field="status"):
    """It came to nothing."""

    error: str


Status = Pending | Completed | Failed
