"""What pages about workflow evaluations take and answer. Cold.

Field order is the wire's. Lists in query strings are written with commas. Times are UTC, whole seconds.
"""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct

from tzproxy.types.params import U32


class ProjectPage(Struct, frozen=True, kw_only=True):
    """A page of projects."""

    limit: U32 = 100
    offset: U32 = 0


class RunPage(Struct, frozen=True, kw_only=True):
    """A page of runs: one of them, or those of a project, or all."""

    limit: U32 = 100
    offset: U32 = 0
    run_id: UUID | None = None
    project_name: str | None = None


class RunsAsked(Struct, frozen=True, kw_only=True):
    """Some runs by their ids."""

    run_ids: str
    project_name: str | None = None


class RunSearch(Struct, frozen=True, kw_only=True):
    """Runs whose name or id holds a text, whatever its case."""

    q: str = ""
    project_name: str | None = None
    limit: U32 = 100
    offset: U32 = 0


class RunAsked(Struct, frozen=True, kw_only=True):
    """One run, perhaps one of its metrics."""

    run_id: UUID
    metric_name: str | None = None


class RunEpisodePage(Struct, frozen=True, kw_only=True):
    """A page of a run's episodes."""

    run_id: UUID
    limit: U32 = 15
    offset: U32 = 0


class TaskPage(Struct, frozen=True, kw_only=True):
    """A page of tasks in several runs."""

    run_ids: str
    limit: U32 = 15
    offset: U32 = 0


class Project(Struct, frozen=True):
    """A project and its runs."""

    name: str
    count: int
    last_updated: str


class Run(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A run."""

    name: str | None = None
    id: str
    variant_pins: dict[str, str]
    tags: dict[str, str]
    project_name: str | None = None
    num_episodes: int | None = None
    timestamp: str


class MetricOfRun(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A metric over all episodes of a run."""

    metric_name: str
    count: int
    avg_metric: float | None
    stdev: float | None = None
    ci_lower: float | None = None
    ci_upper: float | None = None


class RunEpisode(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """An episode of a run. The two lists belong together: newest values of metrics, and every comment."""

    group_key: str | None = None
    episode_id: str
    timestamp: str
    run_id: str
    tags: dict[str, str]
    task_name: str | None = None
    feedback_metric_names: list[str]
    feedback_values: list[str]
