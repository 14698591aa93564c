"""Collects everything that is wrong with a configuration, with the key and the file each finding is about.

Must not: read files or know the configuration's language. Cold: start-up only.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence

from tzproxy.errors import ConfigError

Path = tuple[str | int, ...]
"""Where a value stands: table keys and list positions from the root."""

_BARE_KEY = re.compile(r"[A-Za-z0-9_:/-]+")


def format_path(path: Path) -> str:
    """Return the path as it would be written in TOML, e.g. `models."a.b".routing[0]`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
            continue
        key = (
            part if _BARE_KEY.fullmatch(part) else '"' + part.replace("\\", "\\\\").replace('"', '\\"') + '"'
        )
        text = f"{text}.{key}" if text else key
    return text


def list_names(names: Iterable[str]) -> str:
    """Return the names in backticks: "`a`", "`a` or `b`", "one of `a`, `b`, `c`"."""
    quoted = [f"`{name}`" for name in names]
    if len(quoted) <= 2:
        return " or ".join(quoted)
    return "one of " + ", ".join(quoted)


def suggest(name: str, valid: Iterable[str]) -> str:
    """Return " (did you mean `x`?)" for the valid name nearest to `name`, or "" when none is near."""
    near = difflib.get_close_matches(name, list(valid), n=1, cutoff=0.6)
    return f" (did you mean `{near[0]}`?)" if near else ""


class Origins:
    """Remembers which file every key came from, so that a finding can name it."""

    def __init__(self, files: Sequence[str], by_path: Mapping[Path, str] | None = None) -> None:
        self.files = list(files)
        self._by_path = by_path or {}

    def file_of(self, path: Path) -> str | None:
        """Return the file that holds the key, else the file of its nearest table, else None."""
        if len(self.files) == 1:
            return self.files[0]
        for end in range(len(path), 0, -1):
            file = self._by_path.get(path[:end])
            if file is not None:
                return file
        return None


class Problems:
    """The findings of one load, in the order they were made, each reported once."""

    def __init__(self, origins: Origins | None = None) -> None:
        self._origins = origins or Origins(())
        self._lines: dict[str, None] = {}

    def __bool__(self) -> bool:
        return bool(self._lines)

    @property
    def lines(self) -> list[str]:
        """All findings as "path: reason (in file)"."""
        return list(self._lines)

    def add(self, path: Path, reason: str) -> None:
        """Record that the value at `path` cannot be used because of `reason`."""
        line = f"{format_path(path)}: {reason}" if path else reason
        file = self._origins.file_of(path)
        self._lines[f"{line} (in {file})" if file else line] = None

    def add_line(self, line: str) -> None:
        """Record a finding that already names its key and file."""
        self._lines[line] = None

    def raise_if_any(self) -> None:
        """Raise all findings at once.

        Raises:
            ConfigError: when there is at least one.
        """
        if self._lines:
            raise ConfigError(self.lines)
