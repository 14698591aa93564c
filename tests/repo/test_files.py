"""Sizes, mirrors, documentation and words of the repository's files."""

from __future__ import annotations

import ast
import re

import pytest

from repo.sources import ROOT, functions_of, python_files, text_of, tracked, tree_of

PRODUCT = python_files("tzproxy")
TESTS = tuple(
    path for path in python_files("tests") if path.rpartition("/")[2].startswith(("test_", "conftest"))
)
COMPILED = tuple(path for path in tracked() if path.startswith("_speedups/") and path.endswith(".pyx"))
PRODUCT_LINES = 400
TEST_LINES = 600

# ---- exceptions: each of these lists may only become shorter

TOO_LONG: frozenset[str] = frozenset()
"""Files above the limit."""

WITHOUT_MIRROR = frozenset(
    {
        # Shapes with a few derived values: what is made of them is tested with their users.
        "tzproxy/clickhouse/schema/spec.py",
        "tzproxy/clickhouse/schema/types.py",
        "tzproxy/http/responses/objects.py",
        "tzproxy/http/responses/stream_events.py",
        "tzproxy/providers/chat_completions/row.py",
        "tzproxy/types/embedding.py",
        # Still to come.
        "tzproxy/inference/embedder.py",
        "tzproxy/inference/embedding.py",
        "tzproxy/inference/files/remote.py",
        "tzproxy/providers/chat_completions/reading.py",
    }
)
"""Files with behaviour that have no test file of their own."""

WITHOUT_BENCHMARK: frozenset[str] = frozenset({"chunked", "headers"})
"""Compiled modules that are measured as parts of `test_http1.py` only."""


def limit_of(path: str) -> int:
    """Return how many lines a file may have."""
    return TEST_LINES if path.startswith("tests/") else PRODUCT_LINES


def test_files_are_short() -> None:
    """A file near the limit is cut by responsibility."""
    sources = [*PRODUCT, *COMPILED, *python_files("benchmarks", "tests")]
    over = {path for path in sources if text_of(path).count("\n") > limit_of(path)}
    assert over == TOO_LONG


def has_behaviour(path: str) -> bool:
    """Tell whether a file does more than declare shapes and names."""
    return any(not _is_declaration(function) for function in functions_of(path))


def _is_declaration(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    body = [
        statement
        for statement in function.body
        if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))
    ]
    if not body or all(isinstance(statement, ast.Pass | ast.Raise) for statement in body):
        return True
    if function.name == "__init__":
        # A record: it keeps what it is given.
        return all(isinstance(statement, ast.Assign | ast.AnnAssign) for statement in body)
    return len(body) == 1 and function.name in ("__repr__", "__str__")


def mirror_of(path: str) -> str:
    """Return the test file of a product's file."""
    folder, _, name = path.partition("/")[2].rpartition("/")
    return "/".join(part for part in ("tests", folder, f"test_{name}") if part)


def test_every_file_with_behaviour_has_its_tests() -> None:
    """`tests/<path>/test_<file>.py` mirrors `tzproxy/<path>/<file>.py`."""
    lacking = {
        path
        for path in PRODUCT
        if not path.endswith(("__init__.py", "__main__.py"))
        and has_behaviour(path)
        and not (ROOT / mirror_of(path)).exists()
    }
    assert lacking == WITHOUT_MIRROR


def test_every_test_has_a_promise() -> None:
    """A test's docstring says in a sentence what it holds."""
    for path in TESTS:
        for function in functions_of(path):
            if not function.name.startswith("test_"):
                continue
            promise = ast.get_docstring(function) or ""
            place = f"{path}:{function.lineno}"
            assert promise, place
            assert promise.rstrip().endswith((".", "?", "!", ":", ")", "`", '"')), f"{place}: {promise!r}"


def test_no_test_is_empty() -> None:
    """A test can fail: it asserts, expects an exception, or calls something that does."""
    for path in TESTS:
        for function in functions_of(path):
            if function.name.startswith("test_"):
                assert len(function.body) > 1, f"{path}:{function.lineno}"


def test_every_module_says_what_it_owns() -> None:
    """A module begins with its docstring."""
    for path in (*PRODUCT, *python_files("benchmarks")):
        if text_of(path).strip():
            assert ast.get_docstring(tree_of(path)), path
    for path in COMPILED:
        assert '"""' in text_of(path)[:200], path


@pytest.mark.parametrize("path", COMPILED)
def test_compiled_modules_have_stubs_tests_and_benchmarks(path: str) -> None:
    """Each earns its place in the open."""
    stem = path.removeprefix("_speedups/").removesuffix(".pyx")
    known = set(tracked())
    assert f"_speedups/{stem}.pyi" in known
    assert f"tests/_speedups/test_{stem}.py" in known
    assert (f"benchmarks/test_{stem}.py" in known) != (stem in WITHOUT_BENCHMARK)


def test_compiled_modules_have_no_twin() -> None:
    """`_speedups/` holds sources, stubs and shared declarations; there is no second implementation."""
    for path in tracked():
        if path.startswith("_speedups/"):
            assert path.endswith((".pyx", ".pxd", ".pyi")) or path == "_speedups/__init__.py", path


PERF = re.compile(r"PERF:(?P<reason>[^\"]*?)\((?P<name>[^()]*)\)", re.DOTALL)


def test_odd_looking_code_names_its_benchmark() -> None:
    """`PERF:` comes with the benchmark that shows the gain."""
    known = {function.name for path in python_files("benchmarks") for function in functions_of(path)}
    for path in (*PRODUCT, *COMPILED):
        for number, line in enumerate(text_of(path).splitlines(), 1):
            if "PERF:" not in line:
                continue
            following = "\n".join(text_of(path).splitlines()[number - 1 : number + 3])
            found = PERF.search(following)
            place = f"{path}:{number}"
            assert found, place
            name = found["name"].replace("::", ",").split(",")[-1].strip()
            is_known = name in known or found["name"].startswith(("benchmarks.", "wrk"))
            assert is_known, f"{place}: {found['name']}"


# ---- words

WORDS = (
    (r"/work/(?!\w+\.git)", "a path of somebody's workplace"),
    (r"/(?:root|home)/\w", "a path of somebody's machine"),
    (r"\b[Ii]ssue #?\d|\(#\d+\)", "an issue's number: say what it is about"),
    (r"\bthe lead\b(?! time)|\bour lead\b", "a person"),
    (r"\b(?:previous|earlier|next|last|another) session\b(?! of)", "how the work was divided"),
    (r"\b(?:a|another|the other|fellow) helper\b", "how the work was divided"),
    (
        r"\b(?:interfaces|design|style-examples|surprises|http-api|data-model|schema-check)\.md\b",
        "a private note",
    ),
    (r"\bAs an AI\b|\bI was asked\b|\bper your request\b", "a conversation"),
)
SKIPPED = ("tests/repo/", "tests/prompts/recorded/", "LICENSE")


@pytest.mark.parametrize(("pattern", "what"), WORDS, ids=[what for _, what in WORDS])
def test_files_speak_of_the_project_alone(pattern: str, what: str) -> None:
    """Whoever reads a file needs to know nothing of how it was made."""
    compiled = re.compile(pattern)
    for path in tracked():
        if path.startswith(SKIPPED):
            continue
        content = (ROOT / path).read_bytes()
        if b"\0" in content:
            continue
        found = compiled.search(content.decode("utf-8", "replace"))
        assert found is None, f"{path}: {what}: {found and found[0]!r}"


def test_top_level_folders_are_the_known_ones() -> None:
    """New things find their place in an existing folder."""
    folders = {path.partition("/")[0] for path in tracked() if "/" in path and not path.startswith(".")}
    assert folders <= {"tzproxy", "_speedups", "config", "benchmarks", "tests"}
