from __future__ import annotations

from tzproxy.providers.kept import Kept
from tzproxy.types.tools import AllowedTools, ToolConfig


def _config(name: str) -> ToolConfig:
    return ToolConfig(tools=[], allowed=AllowedTools([name], "explicit"))


def test_written_once() -> None:
    """The same configuration is written once; an equal one is written anew."""
    written: list[str] = []

    def write(config: ToolConfig) -> str:
        written.append(config.allowed.tools[0])
        return written[-1]

    kept: Kept[ToolConfig, str] = Kept(write)
    first = _config("a")
    assert [kept.of(first), kept.of(first), kept.of(_config("a"))] == ["a", "a", "a"]
    assert written == ["a", "a"]


def test_nothing_leaks() -> None:
    """However many configurations come by, each gets its own."""
    kept: Kept[ToolConfig, str] = Kept(lambda config: config.allowed.tools[0])
    for number in range(100):
        assert kept.of(_config(str(number))) == str(number)
