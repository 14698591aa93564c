"""Cases recorded from the original gateway 2026.6.0, and how to play one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tzproxy.errors import ConfigError, TemplateError
from tzproxy.prompts import TemplateSet

RECORDED = Path(__file__).parent / "recorded"


class Case(NamedTuple):
    """A template, its variables, and what came of it: `text`, `error` or (at load) `problem`."""

    key: str
    template: str
    context: dict[str, Any]
    sources: dict[str, str]
    outcome: tuple[str, str]


def iter_cases(name: str) -> Iterator[Case]:
    """The cases of one file; a first line may hold templates that the cases include."""
    sources: dict[str, str] = {}
    for line in (RECORDED / f"{name}.jsonl").read_text("utf-8").splitlines():
        entry = json.loads(line)
        if "sources" in entry:
            sources = entry["sources"]
            continue
        kind = next(kind for kind in ("text", "error", "problem") if kind in entry)
        yield Case(entry["key"], entry["template"], entry.get("context", {}), sources, (kind, entry[kind]))


def play(case: Case) -> tuple[str, str]:
    """Load and render; the outcome in the form of the recorded one."""
    try:
        templates = TemplateSet({**case.sources, case.key: case.template})
    except ConfigError as exc:
        return "problem", exc.problems[0]
    try:
        return "text", templates.render(case.key, case.context)
    except TemplateError as exc:
        return "error", exc.message
