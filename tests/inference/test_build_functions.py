"""Tests of `tzproxy.inference.build_functions`: functions, prompts, samplers and tools from configuration."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from msgspec import Raw

from in_process import DUMMY, MODEL, StartGateway, completion
from tzproxy.config import load_config
from tzproxy.errors import ConfigError
from tzproxy.inference.catalog import ConfigCatalog
from tzproxy.inference.function import Function

VARIANT = 'type = "chat_completion"\nmodel = "m"\n'
SCHEMA = '{"type": "object"}'


def function(folder: Path, toml: str, files: Mapping[str, str] | None = None) -> Function:
    """Build function `f` of a configuration."""
    for name, text in {"tensorzero.toml": MODEL + toml, **(files or {})}.items():
        (folder / name).write_text(text, encoding="utf-8")
    return ConfigCatalog(load_config(str(folder / "tensorzero.toml"), environ=DUMMY)).functions["f"]


def test_chat_and_json_functions(tmp_path: Path) -> None:
    """The kind and the output schema follow the table; without a schema any JSON fits."""
    made = function(tmp_path, f'[functions.f]\ntype = "chat"\n[functions.f.variants.v]\n{VARIANT}')
    assert (made.type, made.output_schema, list(made.variants)) == ("chat", None, ["v"])
    json_variant = f'[functions.f.variants.v]\n{VARIANT}json_mode = "on"\n'
    made = function(tmp_path, f'[functions.f]\ntype = "json"\n{json_variant}')
    assert made.type == "json"
    assert made.output_schema is not None
    assert made.output_schema.raw == Raw(b"{}")
    assert made.output_schema.check is not None
    assert made.output_schema.check.is_valid(7)
    made = function(
        tmp_path,
        f'[functions.f]\ntype = "json"\noutput_schema = "out.json"\n{json_variant}',
        {"out.json": ' { "type" : "object" , "required" : [ "z" , "a" ] } '},
    )
    assert made.output_schema is not None
    assert made.output_schema.raw == Raw(b'{"type":"object","required":["z","a"]}')


def first_picks(made: Function, namespace: str | None = None) -> set[str | None]:
    """What a function's sampler starts with, over many episodes."""
    sampler = made.sampler(namespace)
    return {sampler.first(bytes([number]) * 16) for number in range(64)}


THREE = "".join(f"[functions.f.variants.{name}]\n{VARIANT}" for name in ("a", "b", "c"))


def test_without_weights_all_variants_are_drawn(tmp_path: Path) -> None:
    """A function without weights and experiments draws them all."""
    assert first_picks(function(tmp_path, '[functions.f]\ntype = "chat"\n' + THREE)) == {"a", "b", "c"}


def test_weights_exclude_the_rest(tmp_path: Path) -> None:
    """With weights, variants of weight zero or without one do not start."""
    toml = (
        '[functions.f]\ntype = "chat"\n'
        f"[functions.f.variants.a]\n{VARIANT}weight = 1\n"
        f"[functions.f.variants.b]\n{VARIANT}weight = 0\n"
        f"[functions.f.variants.c]\n{VARIANT}"
    )
    made = function(tmp_path, toml)
    assert first_picks(made) == {"a"}
    assert made.sampler(None).after(bytes(16), {"a"}) == "c"


def test_experiments_and_their_namespaces(tmp_path: Path) -> None:
    """Each namespace draws by its own table, everything else by the base."""
    toml = (
        '[functions.f]\ntype = "chat"\n' + THREE + "[functions.f.experimentation]\n"
        'type = "static"\ncandidate_variants = { a = 1, b = 0 }\nfallback_variants = ["c"]\n'
        '[functions.f.experimentation.namespaces.ns]\ntype = "static"\ncandidate_variants = ["b", "c"]\n'
    )
    made = function(tmp_path, toml)
    assert first_picks(made) == first_picks(made, "zz") == {"a"}
    assert first_picks(made, "ns") == {"b", "c"}


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("Hello {{ user_text }}", None),
        ("Hello", None),
        ("Hello {{ name }}", "name"),
    ],
)
def test_old_templates_get_one_variable(tmp_path: Path, template: str, problem: str | None) -> None:
    """An old template without a schema may use the text of its role and nothing else."""
    toml = f'[functions.f]\ntype = "chat"\n[functions.f.variants.v]\n{VARIANT}user_template = "u.minijinja"\n'
    if problem is None:
        function(tmp_path, toml, {"u.minijinja": template})
        return
    with pytest.raises(ConfigError) as caught:
        function(tmp_path, toml, {"u.minijinja": template})
    (found,) = caught.value.problems
    assert found.startswith("`functions.f.variants.v.user_template")
    assert problem in found


def test_a_model_that_does_not_exist(tmp_path: Path) -> None:
    """A variant of an unknown model stops the start."""
    toml = '[functions.f]\ntype = "chat"\n[functions.f.variants.v]\ntype = "chat_completion"\nmodel = "zz"\n'
    with pytest.raises(ConfigError, match="zz"):
        function(tmp_path, toml)


@pytest.mark.parametrize(
    ("slots", "schemas", "input_of", "sent"),
    [
        (
            'system_template = "s"\nuser_template = "u"\nassistant_template = "a"\n',
            "",
            {
                "system": "S",
                "messages": [{"role": "user", "content": "U"}, {"role": "assistant", "content": "A"}],
            },
            [("system", "system S"), ("user", "user U"), ("assistant", "assistant A")],
        ),
        (
            'input_wrappers.system = "s"\ninput_wrappers.user = "u"\n',
            "",
            {"messages": [{"role": "user", "content": "U"}]},
            [("system", "system none"), ("user", "user U")],
        ),
        (
            'system_template = "named"\nuser_template = "named"\n',
            'system_schema = "o.json"\nuser_schema = "o.json"\n',
            {"system": {"x": 1}, "messages": [{"role": "user", "content": {"x": 2}}]},
            [("system", "named 1"), ("user", "named 2")],
        ),
        (
            'templates.user.path = "named"\n',
            "",
            {"system": "S", "messages": [{"role": "user", "content": "U"}]},
            [("system", "S"), ("user", "U")],
        ),
    ],
)
async def test_prompts_of_every_form(
    start: StartGateway, slots: str, schemas: str, input_of: Any, sent: list[tuple[str, str]]
) -> None:
    """Old templates, wrappers, schemas and named templates each render as they are meant to."""
    toml = MODEL + f'[functions.f]\ntype = "chat"\n{schemas}[functions.f.variants.v]\n{VARIANT}{slots}'
    files = {
        "s": "system {{ system_text }}",
        "u": "user {{ user_text }}",
        "a": "assistant {{ assistant_text }}",
        "named": "named {{ x }}",
        "o.json": SCHEMA,
    }
    gateway = await start(toml, [completion()], files=files)
    reply = await gateway.infer(input=input_of)
    assert reply.status == 200, reply.body
    assert [(message["role"], message["content"]) for message in gateway.sent[0]["messages"]] == sent


async def test_variants_change_requests_for_themselves_only(start: StartGateway) -> None:
    """A variant's own changes do not reach its neighbours."""
    toml = MODEL + (
        '[functions.f]\ntype = "chat"\n'
        f'[functions.f.variants.a]\n{VARIANT}extra_body = [{{ pointer = "/a", value = 1 }}]\n'
        f"[functions.f.variants.b]\n{VARIANT}"
    )
    gateway = await start(toml, [completion()] * 2)
    await gateway.infer(variant_name="a")
    await gateway.infer(variant_name="b")
    assert ["a" in sent for sent in gateway.sent] == [True, False]
