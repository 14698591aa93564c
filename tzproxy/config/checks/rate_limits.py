"""Checks of `[rate_limiting]` beyond the single rule."""

from __future__ import annotations

from tzproxy.config.checks.scope import Scope
from tzproxy.config.rate_limits import RateLimitRule, TagScope
from tzproxy.config.root import Config


def check_rate_limits(config: Config, scope: Scope) -> None:
    """Report rules that share their scope, which would make one bucket of two."""
    limiting = config.rate_limiting
    seen: set[frozenset[object]] = set()
    for index, rule in enumerate(limiting.rules):
        key: frozenset[object] = frozenset(rule.scope)
        if key in seen:
            scope.problems.add(
                ("rate_limiting", "rules", index),
                f"Duplicate rate limiting config scope: {_describe(rule)}. "
                "Rate limiting config scopes must be unique.",
            )
        seen.add(key)
    if limiting.rules and not limiting.enabled:
        scope.warn(("rate_limiting", "enabled"), "rules are configured and switched off")


def _describe(rule: RateLimitRule) -> str:
    entries = [
        f"{entry.tag_key}={entry.tag_value}"
        if isinstance(entry, TagScope)
        else f"api_key={entry.api_key_public_id}"
        for entry in rule.scope
    ]
    return "[" + ", ".join(entries) + "]"
