"""Tests of `tzproxy.optimization.gepa.candidate`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tzproxy.config import load_config
from tzproxy.config.functions import schema_slots
from tzproxy.config.variants import ChatCompletionConfig
from tzproxy.optimization.gepa.candidate import (
    BaseVariant,
    Candidate,
    as_request,
    configuration,
    take_apart,
)

HEAD = '[functions.f]\ntype = "chat"\n'
VARIANT = '[functions.f.variants.v]\ntype = "chat_completion"\nmodel = "dummy::good"\n'
DUMMY = {"TZPROXY_ENABLE_DUMMY_PROVIDER": "1"}


def base_of(folder: Path, variant: str, head: str = "") -> BaseVariant:
    """Take the variant of a configuration apart."""
    (folder / "c.toml").write_text(HEAD + head + VARIANT + variant)
    for name in ("s", "u"):
        (folder / f"{name}.minijinja").write_text(
            f"{name} {{{{ {'system' if name == 's' else 'user'}_text }}}}"
        )
    (folder / "p.minijinja").write_text("plain")
    (folder / "schema.json").write_text("{}")
    loaded = load_config(str(folder / "c.toml"), environ=DUMMY)
    function = loaded.functions["f"]
    config = function.variants["v"]
    assert isinstance(config, ChatCompletionConfig)
    return take_apart(config, loaded.merged["functions"]["f"]["variants"]["v"], schema_slots(function))


def child(**templates: str) -> Candidate:
    """Write a candidate."""
    return Candidate(name="child", base="v", templates=templates)


def file_of(slot: str, text: str) -> dict[str, str]:
    """Write a template in the place of its path."""
    return {"__tensorzero_remapped_path": f"gepa_mutated/child/{slot}.minijinja", "__data": text}


def test_all_but_the_templates_stays(tmp_path: Path) -> None:
    """Settings stay, the weight goes; what clients get has none of the keys that they refuse."""
    base = base_of(
        tmp_path,
        'weight = 1\ntemperature = 0.5\ntemplates.x.path = "p.minijinja"\n'
        "timeouts.non_streaming.total_ms = 5\n",
    )
    assert base.templates == {"x": "plain"}
    sent = json.loads(bytes(as_request(child(x="new"), base)))
    assert sent == {
        "type": "chat_completion",
        "model": "dummy::good",
        "temperature": 0.5,
        "timeouts": {"non_streaming": {"total_ms": 5}},
        "templates": {"x": {"path": file_of("x", "new")}},
    }
    assert configuration(child(x="new"), base) == {
        "model": "dummy::good",
        "temperature": 0.5,
        "templates": {"x": {"path": file_of("x", "new")}},
        "retries": {"num_retries": 0, "max_delay_s": 10.0},
    }


WRAPPERS = 'system_template = "s.minijinja"\nuser_template = "u.minijinja"\n'


@pytest.mark.parametrize(
    ("variant", "head", "wrappers"),
    [
        (WRAPPERS, "", ["system", "user"]),
        ('input_wrappers.user = "u.minijinja"\n', "", ["user"]),
        ('system_template = "p.minijinja"\n', "", []),
        ('user_template = "u.minijinja"\n', 'user_schema = "schema.json"\n', []),
    ],
    ids=["texts as variables", "input wrappers", "a system template without them", "a schema"],
)
def test_the_older_form_stays_where_it_means_something_else(
    tmp_path: Path, variant: str, head: str, wrappers: list[str]
) -> None:
    """A template that gets the caller's text as a variable is written as such, all others in today's form."""
    base = base_of(tmp_path, variant, head)
    assert base.wrappers == wrappers
    table: dict[str, Any] = configuration(child(**dict.fromkeys(base.templates, "new")), base)
    for slot in base.templates:
        if slot in wrappers:
            assert table[f"{slot}_template"] == file_of(slot, "new")
        else:
            assert table["templates"][slot] == {"path": file_of(slot, "new")}
    assert ("templates" in table) is (set(base.templates) != set(wrappers))
