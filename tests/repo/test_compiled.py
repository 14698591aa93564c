"""The Python modules that are compiled: which they are, and that what is tested is what is shipped."""

from __future__ import annotations

import ast
import importlib.machinery
import importlib.util
import subprocess
import tomllib

import pytest

from repo.sources import ROOT, is_hot, text_of, tree_of

MODULES: list[str] = tomllib.loads(text_of("pyproject.toml"))["tool"]["tzproxy"]["compiled"]


def path_of(module: str) -> str:
    """Return a module's source, from the repository's root."""
    return module.replace(".", "/") + ".py"


def test_the_list_is_in_order() -> None:
    """Sorted, each once."""
    assert sorted(set(MODULES)) == MODULES


@pytest.mark.parametrize("module", MODULES)
def test_only_hot_modules_are_compiled(module: str) -> None:
    """Compiling takes time, and no debugger sees into it: only what requests go through is worth it."""
    assert is_hot(path_of(module))


@pytest.mark.parametrize("module", MODULES)
def test_what_cython_does_otherwise_is_not_used(module: str) -> None:
    """Its `async for` takes no iterator that ends in `__anext__` itself; see `tzproxy.http.body_parts`."""
    assert not [node for node in ast.walk(tree_of(path_of(module))) if isinstance(node, ast.AsyncFor)]


@pytest.mark.parametrize("module", MODULES)
def test_the_compiled_module_is_the_one_in_use(module: str) -> None:
    """After `make`; `make interpreted` takes the compiled modules away until the next one."""
    found = importlib.util.find_spec(module)
    assert found is not None and found.origin is not None
    assert found.origin.endswith(tuple(importlib.machinery.EXTENSION_SUFFIXES)), "run `make test`"


def test_make_knows_them() -> None:
    """A change of any of them, and of nothing else in Python, compiles anew."""
    printed = subprocess.run(
        ["make", "--just-print", "--print-data-base", "help"], cwd=ROOT, capture_output=True, text=True
    ).stdout
    (line,) = [line for line in printed.splitlines() if line.startswith("MODULES := ")]
    assert line.split()[2:] == [path_of(module) for module in MODULES]
