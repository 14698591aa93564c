"""Checks of `timeouts` against the bound of all upstream requests."""

from __future__ import annotations

from tzproxy.config.checks.scope import Scope
from tzproxy.config.problems import Path
from tzproxy.config.requests import TimeoutsConfig

_BOUND = "gateway.global_outbound_http_timeout_ms"


def check_timeouts(timeouts: TimeoutsConfig, path: Path, bound_ms: int, scope: Scope) -> None:
    """Report deadlines above the bound; warn where the first chunk may come later than the last."""
    streaming = timeouts.streaming
    for group, key, value_ms in (
        ("non_streaming", "total_ms", timeouts.non_streaming.total_ms),
        ("streaming", "ttft_ms", streaming.ttft_ms),
        ("streaming", "total_ms", streaming.total_ms),
    ):
        if value_ms is not None and value_ms > bound_ms:
            scope.problems.add(
                (*path, group, key),
                f"The `timeouts.{group}.{key}` value `{value_ms}` is greater than `{_BOUND}`: `{bound_ms}`",
            )
    if (
        streaming.ttft_ms is not None
        and streaming.total_ms is not None
        and streaming.total_ms < streaming.ttft_ms
    ):
        scope.warn((*path, "streaming"), "`total_ms` is less than `ttft_ms`")
