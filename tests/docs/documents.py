"""Reads what the repository's Markdown says: commands to run, links, tables."""

from __future__ import annotations

import re
from pathlib import Path

from msgspec import Struct

ROOT = Path(__file__).resolve().parents[2]
RUNNABLE = re.compile(
    r"<!-- run -->\n```(?P<language>\w+)\n(?P<code>.*?)```\n<!-- shows: (?P<shows>.*?) -->", re.DOTALL
)
LINK = re.compile(r"\]\((?!https?:)(?P<path>[^)#]*)(?:#(?P<anchor>[^)]*))?\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


class Example(Struct, frozen=True):
    """A fenced block between `<!-- run -->` and `<!-- shows: TEXT -->`."""

    line: int
    language: str
    code: str
    shows: str


def documents() -> list[Path]:
    """Return all Markdown files of the repository."""
    hidden = {".git", ".venv", "node_modules", "build", "dist"}
    found = sorted(ROOT.rglob("*.md"))
    return [path for path in found if not hidden & set(path.relative_to(ROOT).parts[:-1])]


def examples(path: Path) -> list[Example]:
    """Return a document's runnable blocks in order."""
    text = path.read_text()
    return [
        Example(text.count("\n", 0, match.start()) + 1, match["language"], match["code"], match["shows"])
        for match in RUNNABLE.finditer(text)
    ]


def anchors(path: Path) -> set[str]:
    """Return the anchors that a document's headings get."""
    headings = HEADING.findall(path.read_text())
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
