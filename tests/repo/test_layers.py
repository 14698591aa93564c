"""Who may import whom. Reads the imports; imports nothing itself."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator

import pytest

from repo.sources import functions_of, is_hot, module_of, python_files, text_of, tracked, tree_of

LAYERS: tuple[tuple[str, ...], ...] = (
    ("errors",),
    ("_speedups",),
    ("types",),
    ("config",),
    ("prompts", "upstream", "clickhouse"),
    ("providers",),
    ("recording",),
    ("experimentation", "limits"),
    ("inference",),
    ("auth", "feedback", "reading", "datasets", "batch", "workflow"),
    ("evaluations",),
    ("optimization",),
    ("services",),
    ("http", "ui"),
    ("client",),
    ("mock",),
    ("cli",),
)
"""From the bottom to the top. A package may import those below it, never those beside or above it."""

RANKS = {package: rank for rank, packages in enumerate(LAYERS) for package in packages}
STANDALONE = frozenset({"errors", "mock"})
"""Packages that import nothing of the product but themselves."""

ENTRY_POINTS = frozenset({"tzproxy/clickhouse/embedded/__main__.py", "tzproxy/inference/files/probe.py"})
"""Files that are run as processes of their own, and are handed the environment as such."""

EDGES = ENTRY_POINTS | {"tzproxy/client/surroundings.py"}
"""Where the environment is read, besides the packages that are there for it."""

PRODUCT = python_files("tzproxy")


@functools.cache
def imports_of(path: str) -> tuple[tuple[str, bool], ...]:
    """Return what a file imports, and whether only the type checker sees it."""
    return tuple(_imports(path))


def _imports(path: str) -> Iterator[tuple[str, bool]]:
    typing_only = {
        id(node)
        for branch in ast.walk(tree_of(path))
        if isinstance(branch, ast.If) and ast.unparse(branch.test) == "TYPE_CHECKING"
        for node in ast.walk(branch)
    }
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, id(node) in typing_only
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import in line {node.lineno}"
            module = node.module or ""
            for alias in node.names:
                full = f"{module}.{alias.name}"
                yield (full if full in MODULES else module), id(node) in typing_only


MODULES = frozenset(module_of(path) for path in PRODUCT)


def package_of(module: str) -> str:
    """Return the product's package that a module is in, or nothing for other libraries."""
    first, _, rest = module.partition(".")
    return rest.partition(".")[0] if first == "tzproxy" else ""


def test_imports_go_downwards() -> None:
    """A file imports its own package and those below it."""
    wrong = [
        f"{path} imports {module}"
        for path in PRODUCT
        for module, _ in imports_of(path)
        if not _goes_downwards(package_of(module_of(path)), package_of(module))
    ]
    assert wrong == []


def _goes_downwards(own: str, other: str) -> bool:
    # The package itself hands out the client's names, when they are asked for.
    return other in ("", "__version__", own) or own == "" or RANKS[other] < RANKS[own]


def test_every_package_has_a_layer() -> None:
    """A new package says where it belongs."""
    packages = {package_of(module) for module in MODULES} - {""}
    assert packages <= set(RANKS)


@pytest.mark.parametrize("package", sorted(STANDALONE))
def test_some_packages_stand_alone(package: str) -> None:
    """They can be read, and moved, without the rest."""
    for path in PRODUCT:
        if package_of(module_of(path)) == package:
            assert {package_of(module) for module, _ in imports_of(path)} <= {"", "__version__", package}


SHARED_FOLDERS = frozenset({"aws"})
"""Folders of the providers that hold what several of them need, not a provider."""

SAME_WIRE = frozenset({("sagemaker", "chat_completions")})
"""(who, whose): services that carry another's wire in an envelope of their own."""


def test_providers_do_not_import_each_other() -> None:
    """A provider's folder knows the shared files and its own."""
    wrong = []
    for path in PRODUCT:
        parts = path.split("/")
        if parts[1] != "providers" or len(parts) < 4:
            continue
        folders = {
            module.split(".")[2] for module, _ in imports_of(path) if module.startswith("tzproxy.providers.")
        }
        for folder in folders - SHARED_FOLDERS - {parts[2]}:
            is_file = f"tzproxy/providers/{folder}.py" in PRODUCT
            if not is_file and (parts[2], folder) not in SAME_WIRE:
                wrong.append(f"{path} imports {folder}")
    assert wrong == []


def test_there_are_no_cycles() -> None:
    """No module is needed to import itself."""
    graph: dict[str, set[str]] = {
        module_of(path): {module for module, typing_only in imports_of(path) if not typing_only} & MODULES
        for path in PRODUCT
    }
    for module in list(graph):
        # Importing a module runs its packages first.
        graph[module].discard(module)
    done: set[str] = set()
    path_to: list[str] = []

    def visit(module: str) -> None:
        if module in done:
            return
        assert module not in path_to, " -> ".join([*path_to[path_to.index(module) :], module])
        path_to.append(module)
        for other in sorted(graph[module]):
            visit(other)
        path_to.pop()
        done.add(module)

    for module in sorted(graph):
        visit(module)


def docstrings_of(path: str) -> set[int]:
    """Return the ids of the constants that are documentation, of attributes too."""
    found: set[int] = set()
    for node in ast.walk(tree_of(path)):
        for statement in getattr(node, "body", []) if not isinstance(node, ast.Lambda | ast.IfExp) else []:
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                found.add(id(statement.value))
    return found


SQL = ("SELECT ", "INSERT INTO ", "CREATE TABLE ", "ALTER TABLE ", "DROP TABLE ", "TRUNCATE ")


def test_statements_are_in_one_place() -> None:
    """SQL is written under `clickhouse/` only."""
    wrong = []
    for path in PRODUCT:
        if path.startswith("tzproxy/clickhouse/"):
            continue
        documentation = docstrings_of(path)
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                if id(node) not in documentation and node.value.lstrip().startswith(SQL):
                    wrong.append(f"{path}:{node.lineno}")
    assert wrong == []


@pytest.mark.parametrize(
    ("library", "places"),
    [
        ("jinja2", ("tzproxy/prompts/", "tzproxy/ui/")),
        ("clickhouse_connect", ("tzproxy/clickhouse/",)),
        ("granian", ("tzproxy/cli/", "tzproxy/http/rsgi_start.py")),
        ("typer", ("tzproxy/cli/",)),
        ("rich", ("tzproxy/cli/",)),
        ("jsonschema_rs", ("tzproxy/prompts/", "tzproxy/config/patterns.py")),
        ("tomli", ("tzproxy/config/",)),
        ("redis", ("tzproxy/limits/",)),
        (
            "prometheus_client",
            ("tzproxy/inference/metrics.py", "tzproxy/services/metrics.py", "tzproxy/http/operations.py"),
        ),
    ],
)
def test_libraries_have_their_places(library: str, places: tuple[str, ...]) -> None:
    """What can be replaced is imported where it can be replaced."""
    users = {
        path for path in PRODUCT for module, _ in imports_of(path) if module.partition(".")[0] == library
    }
    assert users, f"nobody imports {library}"
    assert all(path.startswith(places) for path in users), users


def test_the_engine_is_loaded_in_one_place() -> None:
    """Chdb is an extra: one module loads it, when it is needed."""
    loads = re.compile(r"""^\s*(?:import|from) chdb\b|import_module\(["']chdb""", re.MULTILINE)
    users = {path for path in PRODUCT if loads.search(text_of(path))}
    assert users == {"tzproxy/clickhouse/embedded/engine.py"}


def test_the_environment_is_read_at_the_edge() -> None:
    """Only configuration, commands and entry points look at the environment."""
    for path in PRODUCT:
        if path.startswith(("tzproxy/config/", "tzproxy/cli/")) or path in EDGES:
            continue
        if "environ" not in text_of(path) and "getenv" not in text_of(path):
            continue
        names = {ast.unparse(node) for node in ast.walk(tree_of(path)) if isinstance(node, ast.Attribute)}
        assert not names & {"os.environ", "os.getenv", "os.environb"}, path
        assert not {module for module, _ in imports_of(path)} & {"os.environ"}, path


def test_entry_points_exist() -> None:
    """The list of entry points does not outlive them."""
    for path in ENTRY_POINTS:
        assert "__main__" in path or '__name__ == "__main__"' in text_of(path) or "def main" in text_of(path)


FORBIDDEN_NAMES = frozenset({"utils", "util", "helpers", "helper", "common", "manager", "misc", "base2"})


def test_files_are_named_after_what_they_are_about() -> None:
    """No file is a drawer."""
    for path in tracked():
        stem = path.rpartition("/")[2].partition(".")[0]
        assert stem.removeprefix("test_") not in FORBIDDEN_NAMES, path


HOT_EXCEPTIONS = frozenset({"tzproxy/http/rsgi_start.py"})
"""Hot modules that also have something to do once, when a worker starts."""

SLOW_CALLS = frozenset({"open", "print", "input", "time.sleep", "os.getenv", "os.open", "subprocess.run"})
SLOW_METHODS = frozenset({"read_text", "write_text", "read_bytes", "write_bytes"})


def test_the_path_of_requests_is_free() -> None:
    """Hot modules import, read, print and sleep nowhere in their functions."""
    hot = {path for path in PRODUCT if is_hot(path)}
    assert {"tzproxy/inference/engine.py", "tzproxy/http/native.py"} <= hot
    assert hot >= HOT_EXCEPTIONS
    wrong = [
        f"{path}:{node.lineno}"
        for path in sorted(hot - HOT_EXCEPTIONS)
        for function in functions_of(path)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
        or (isinstance(node, ast.Call) and _is_slow(ast.unparse(node.func)))
    ]
    assert wrong == []


def _is_slow(name: str) -> bool:
    return name in SLOW_CALLS or name.rpartition(".")[2] in SLOW_METHODS
