"""Tests of `tzproxy.config.paths`."""

from __future__ import annotations

import typing
from pathlib import Path

import msgspec
import pytest

from config.conftest import FindProblems, Load
from config.samples import CHAT, JSON, MODEL, SCHEMA
from tzproxy.config.paths import FILE_KEYS, common_folder
from tzproxy.config.root import Config
from tzproxy.config.scalars import InlinedFile


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        ([], ""),
        (["/c/t/a"], "/c/t/"),
        (["/c/t/a", "/c/u/b"], "/c/"),
        (["/c/tt/a", "/c/t/b"], "/c/"),
        (["/a/x", "/b/y"], ""),
        (["/x"], ""),
    ],
)
def test_the_common_folder_ends_at_a_separator(paths: list[str], expected: str) -> None:
    """Whole folder names are shared, never parts of them; the root folder counts as nothing."""
    assert common_folder(paths) == expected


def test_one_template_has_its_name_as_key(load: Load) -> None:
    """With a single file its whole folder is the common prefix."""
    loaded = load(CHAT + 'system_template = "t/a.minijinja"', files={"t/a.minijinja": "A"})
    assert loaded.template_sources == {"a.minijinja": "A"}


def test_two_templates_keep_the_folders_that_differ(load: Load) -> None:
    """The prefix is that of all files, schemas included."""
    loaded = load(
        CHAT + 'system_template = "t/a"\ntemplates.x.path = "u/b"',
        files={"t/a": "A", "u/b": "B"},
    )
    assert loaded.template_sources == {"t/a": "A", "u/b": "B"}


def test_a_file_used_twice_has_one_key(load: Load) -> None:
    """Variants may share a template."""
    toml = CHAT + 'system_template = "a"\n[functions.f.variants.w]\ntype = "chat_completion"\nmodel = "m"\n'
    loaded = load(toml + 'system_template = "./x/../a"', files={"a": "A", "x/y": ""})
    assert loaded.template_sources == {"a": "A"}


def test_paths_are_relative_to_the_file_that_holds_them(load: Load) -> None:
    """Each TOML file's paths start in its own folder, also when tables are joined."""
    loaded = load(
        MODEL + '[functions.j]\ntype = "json"\noutput_schema = "s.json"',
        files={
            "s.json": SCHEMA,
            "deep/f.toml": '[functions.j.variants.v]\ntype = "chat_completion"\nmodel = "m"\n'
            'json_mode = "on"\nsystem_template = "s.txt"',
            "deep/s.txt": "deep",
        },
        pattern="**/*.toml",
    )
    assert loaded.template_sources == {"deep/s.txt": "deep"}
    assert loaded.schema_sources == {"s.json": SCHEMA}


def test_absolute_paths_are_allowed(load: Load, tmp_path: Path) -> None:
    """A path may be absolute."""
    (tmp_path / "a").write_text("A")
    assert load(CHAT + f'system_template = "{tmp_path}/a"').template_sources == {"a": "A"}


def test_line_ends_are_kept(load: Load, tmp_path: Path) -> None:
    """File contents reach the template engine as they are."""
    (tmp_path / "a").write_bytes(b"x\r\ny")
    assert load(CHAT + 'system_template = "a"').template_sources == {"a": "x\r\ny"}


@pytest.mark.parametrize(
    ("line", "path", "words"),
    [
        ("system_template = 1", "functions.f.variants.v.system_template", "Expected a string, found integer"),
        ('user_template = ["a"]', "functions.f.variants.v.user_template", "Expected a string, found array"),
        (
            'user_template = { __tensorzero_remapped_path = "k", __data = "d" }',
            "functions.f.variants.v.user_template",
            "Expected a string, found table",
        ),
        (
            'user_template = "no"',
            "functions.f.variants.v.user_template",
            "Failed to resolve path `no` (base: `",
        ),
        ('templates.x.path = "latin/"', "functions.f.variants.v.templates.x.path", "Not a directory"),
        ('templates.x.path = "folder"', "functions.f.variants.v.templates.x.path", "is a directory"),
        (
            'input_wrappers.user = "latin"',
            "functions.f.variants.v.input_wrappers.user",
            "Failed to read file at",
        ),
    ],
)
def test_what_cannot_be_read_is_reported_once(
    find_problems: FindProblems, tmp_path: Path, line: str, path: str, words: str
) -> None:
    """Wrong types, missing files, folders and other encodings each give one finding at the key."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "latin").write_bytes(b"\xff")
    problems = find_problems(CHAT + line)
    assert len(problems) == 1
    assert problems[0].startswith(path + ": ")
    assert words in problems[0]


def test_a_value_in_the_place_of_a_table_is_reported(find_problems: FindProblems) -> None:
    """Path resolution steps over what is no table; reading says so."""
    assert find_problems("functions.f = 1") == ["functions.f: invalid type: integer `1`, expected a map"]


def test_the_include_folder_is_resolved(load: Load, tmp_path: Path) -> None:
    """`base_path` is a folder relative to its file."""
    loaded = load('gateway.template_filesystem_access.base_path = "p"', files={"p/x": ""})
    access = loaded.config.gateway.template_filesystem_access
    assert access is not None
    assert access.base_path == f"{tmp_path}/p"


@pytest.mark.parametrize(
    ("value", "words"),
    [('"no"', "Failed to resolve"), ('"file"', "Expected a directory"), ("1", "found integer")],
)
def test_a_bad_include_folder_is_reported(
    find_problems: FindProblems, tmp_path: Path, value: str, words: str
) -> None:
    """The folder must exist and be one."""
    (tmp_path / "file").touch()
    problems = find_problems(f"gateway.template_filesystem_access.base_path = {value}")
    assert len(problems) == 1
    assert problems[0].startswith("gateway.template_filesystem_access.base_path: ")
    assert words in problems[0]


def _file_fields(tp: object, path: tuple[str, ...], seen: tuple[object, ...]) -> set[tuple[str, ...]]:
    """Return where files stand below a type, following its annotations."""
    if tp == InlinedFile:
        return {path}
    args = typing.get_args(tp)
    origin = typing.get_origin(tp)
    if origin is dict:
        return _file_fields(args[1], (*path, "*"), seen)
    if args:
        return set().union(*(_file_fields(arg, path, seen) for arg in args))
    if isinstance(tp, type) and issubclass(tp, msgspec.Struct) and tp not in seen:
        fields = msgspec.structs.fields(tp)
        return set().union(*(_file_fields(f.type, (*path, f.encode_name), (*seen, tp)) for f in fields))
    return set()


def test_every_file_in_the_structs_is_found_in_documents() -> None:
    """Structs and path resolution agree on which keys are paths."""
    assert _file_fields(Config, (), ()) == set(FILE_KEYS)


def test_json_keeps_working(load: Load) -> None:
    """A JSON function without files loads."""
    assert load(JSON).schema_sources == {}
