"""Loads configurations written by the test into a folder of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tzproxy.config import LoadedConfig, load_config
from tzproxy.errors import ConfigError

Load = Callable[..., LoadedConfig]
FindProblems = Callable[..., list[str]]


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Write the files, with the folders they need."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Return a function that loads `tensorzero.toml` with the given text, files and environment."""

    def load_text(
        toml: str = "",
        *,
        files: Mapping[str, str] | None = None,
        environ: Mapping[str, str] | None = None,
        pattern: str = "tensorzero.toml",
    ) -> LoadedConfig:
        write(tmp_path, {"tensorzero.toml": toml, **(files or {})})
        return load_config(str(tmp_path / pattern), environ=environ or {})

    return load_text


@pytest.fixture
def find_problems(load: Load, tmp_path: Path) -> FindProblems:
    """Return a function that loads a bad configuration and gives its problems, without the file's name."""

    def find(toml: str = "", **options: object) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            load(toml, **options)
        return [line.replace(f" (in {tmp_path}/tensorzero.toml)", "") for line in caught.value.problems]

    return find
