"""The repository's files as its rules see them: tracked files, parsed once."""

from __future__ import annotations

import ast
import functools
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@functools.cache
def tracked() -> tuple[str, ...]:
    """Return the paths of all files that belong to the repository and exist, from its root."""
    if (ROOT / ".git").exists():
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
        ).stdout.split("\0")
    else:
        listed = [
            str(path.relative_to(ROOT)) for path in ROOT.rglob("*") if path.suffix not in (".pyc", ".so")
        ]
    return tuple(sorted(path for path in listed if path and (ROOT / path).is_file()))


def python_files(*folders: str) -> tuple[str, ...]:
    """Return the Python files below the folders."""
    return tuple(
        path
        for path in tracked()
        if path.endswith(".py") and path.startswith(tuple(f"{f}/" for f in folders))
    )


@functools.cache
def text_of(path: str) -> str:
    """Read a file."""
    return (ROOT / path).read_text(encoding="utf-8")


@functools.cache
def tree_of(path: str) -> ast.Module:
    """Parse a Python file."""
    return ast.parse(text_of(path), path)


def module_of(path: str) -> str:
    """Return the name by which a file of the product is imported."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def functions_of(path: str) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Return all functions of a file, nested ones and methods included."""
    return [
        node for node in ast.walk(tree_of(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def is_hot(path: str) -> bool:
    """Tell whether a module's docstring says that it is on the path of requests."""
    words = (ast.get_docstring(tree_of(path)) or "").split()
    return any(
        word.strip(".:;,") == "Hot" and (number == 0 or words[number - 1] != "Not")
        for number, word in enumerate(words)
    )
