"""Tests of `tzproxy.config.snapshot`."""

from __future__ import annotations

import math
from typing import Any

import blake3
import pytest
import tomli
from hypothesis import given
from hypothesis import strategies as st

from config.conftest import Load
from config.samples import CHAT
from tzproxy.config.snapshot import canonical_toml, redact, snapshot

_VALUES = st.recursive(
    st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), _VALUES, max_size=4))
def test_the_text_reads_back(table: dict[str, Any]) -> None:
    """Whatever a document can hold, its canonical text is TOML of the same document."""
    assert tomli.loads(canonical_toml(table)) == table


def test_the_text_does_not_depend_on_order() -> None:
    """Keys are sorted at every level, values come before tables."""
    text = canonical_toml({"b": {"y": 1, "x": {"w": [{"q": 1, "p": 2}]}}, "a": 1})
    assert text == canonical_toml({"a": 1, "b": {"x": {"w": [{"p": 2, "q": 1}]}, "y": 1}})
    assert text == "a = 1\n[b]\ny = 1\n[b.x]\nw = [{ p = 2, q = 1 }]\n"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1e22, "1.0e22"),
        (1e-7, "1.0e-7"),
        (2.0, "2.0"),
        (math.inf, "inf"),
        (-math.inf, "-inf"),
        (math.nan, "nan"),
        (True, "true"),
        ("a\x7f\n", '"a\\u007f\\n"'),
        ([], "[]"),
    ],
)
def test_values_have_one_spelling(value: object, expected: str) -> None:
    """Floats, control characters and empty lists are written in a fixed way."""
    text = canonical_toml({"k": value})
    assert text == f"k = {expected}\n"
    assert tomli.loads(text)["k"] == value or math.isnan(tomli.loads(text)["k"])


def test_the_hash_covers_text_and_templates() -> None:
    """BLAKE3 over the text, a zero byte, then name and body of each template, sorted and zero-ended."""
    taken = snapshot({"a": 1}, {"z": "Z", "b": "B"})
    expected = blake3.blake3(b"a = 1\n\0b\0B\0z\0Z\0")
    assert taken.hash_hex == expected.hexdigest()
    assert taken.hash_int == int(expected.hexdigest(), 16)
    assert list(taken.extra_templates) == ["b", "z"]
    assert snapshot({"a": 1}, {}).hash_int != taken.hash_int


def test_secrets_written_into_the_document_are_blotted_out(load: Load) -> None:
    """The few values that are keys themselves reach neither the snapshot nor `merged`."""
    toml = '[provider_types.together.sft]\nwandb_api_key = "w-hidden"\nhf_api_token = "h-hidden"'
    loaded = load(toml)
    assert "hidden" not in loaded.snapshot_toml
    assert "hidden" not in repr(loaded.merged)
    assert "hidden" not in repr(loaded.config)
    sft = loaded.config.provider_types.together.sft
    assert sft is not None
    assert sft.wandb_api_key is not None
    assert sft.wandb_api_key.reveal() == "w-hidden"


def test_blotting_out_leaves_the_original_alone() -> None:
    """The document itself keeps its values."""
    document = {"provider_types": {"together": {"sft": {"wandb_api_key": "x"}}}}
    assert redact(document) != document
    assert document["provider_types"]["together"]["sft"]["wandb_api_key"] == "x"


def test_the_same_configuration_has_the_same_hash(load: Load) -> None:
    """Order of keys and comments do not count; contents of files do."""
    one = load(CHAT + '# note\nsystem_template = "a"\ntemperature = 0.5', files={"a": "A"})
    two = load(CHAT + 'temperature = 0.5\nsystem_template = "a"')
    other = load(CHAT + 'temperature = 0.5\nsystem_template = "a"', files={"a": "B"})
    assert one.hash == two.hash
    assert one.hash != other.hash
    assert tomli.loads(one.snapshot_toml)["functions"]["f"]["variants"]["v"]["system_template"] == {
        "__tensorzero_remapped_path": "a",
        "__data": "A",
    }
