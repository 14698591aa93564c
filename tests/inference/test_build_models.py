"""Tests of `tzproxy.inference.build_models`: models from configuration and from names."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pytest

from in_process import DUMMY, MODEL
from tzproxy.config import load_config
from tzproxy.errors import ConfigError
from tzproxy.inference.build_models import SHORTHANDS_KEPT, ModelTable
from tzproxy.inference.cost import Price
from tzproxy.inference.deadlines import Timeouts
from tzproxy.inference.extra import BodyChange, Changes, HeaderChange


def table(folder: Path, toml: str = "", environ: Mapping[str, str] = DUMMY) -> ModelTable:
    """Build the models of a configuration."""
    (folder / "tensorzero.toml").write_text(toml, encoding="utf-8")
    return ModelTable(load_config(str(folder / "tensorzero.toml"), environ=environ))


def test_a_configured_model(tmp_path: Path) -> None:
    """Everything of a model's and a provider's table is in place."""
    toml = MODEL + (
        "timeouts = { non_streaming.total_ms = 1, streaming = { ttft_ms = 2, total_ms = 3 } }\n"
        'extra_body = [{ pointer = "/a", value = { b = 1 } }, { pointer = "/c", delete = true }]\n'
        'extra_headers = [{ name = "x", value = "1" }, { name = "y", delete = true }]\n'
        'cost = [{ pointer = "/a~1b/c", cost_per_million = 0.15, required = true },\n'
        '  { pointer_nonstreaming = "/d", pointer_streaming = "/e/0", cost_per_unit = -2 }]\n'
        "[models.m.timeouts]\nstreaming.total_ms = 9\n"
    )
    model = table(tmp_path, toml).get("m")
    assert model is not None
    assert (model.name, model.namespace, model.timeouts) == ("m", None, Timeouts(stream_total_ms=9))
    (entry,) = model.providers
    assert (entry.name, entry.spec.type, entry.local) == ("p", "openai", None)
    assert entry.timeouts == Timeouts(1, 2, 3)
    assert entry.changes == Changes(
        (BodyChange("/a", {"b": 1}), BodyChange("/c", delete=True)),
        (HeaderChange("x", "1"), HeaderChange("y", None)),
    )
    assert entry.prices == (
        Price(("a/b", "c"), ("a/b", "c"), Decimal("0.00000015"), True),
        Price(("d",), ("e", "0"), Decimal(-2)),
    )


def test_providers_are_in_the_order_of_routing(tmp_path: Path) -> None:
    """`routing` decides who is asked first, not the order of the tables."""
    providers = "".join(
        f'[models.m.providers.{name}]\ntype = "dummy"\nmodel_name = "{name}"\n' for name in ("a", "b", "c")
    )
    model = table(tmp_path, '[models.m]\nrouting = ["c", "a", "b"]\n' + providers).get("m")
    assert model is not None
    assert [entry.name for entry in model.providers] == ["c", "a", "b"]


def test_a_namespace_is_kept(tmp_path: Path) -> None:
    """A namespaced model knows its namespace."""
    toml = MODEL.replace('routing = ["p"]', 'routing = ["p"]\nnamespace = "ns"')
    model = table(tmp_path, toml).get("m")
    assert model is not None
    assert model.namespace == "ns"


def test_shorthand_models_are_built_when_named(tmp_path: Path) -> None:
    """A shorthand name gives a model of one provider, named like its type, and the same one again."""
    models = table(tmp_path)
    model = models.get("dummy::echo")
    assert model is not None
    (entry,) = model.providers
    assert (model.name, entry.name, entry.spec.type, entry.wire) == ("dummy::echo", "dummy", "dummy", None)
    assert models.get("dummy::echo") is model


@pytest.mark.parametrize("name", ["", "zz", "zz::x", "dummy", "gcp_vertex_gemini::not-a-path"])
def test_other_names_are_no_models(tmp_path: Path, name: str) -> None:
    """What is neither configured nor a shorthand is not found."""
    assert table(tmp_path).get(name) is None


def test_the_dummy_needs_its_switch(tmp_path: Path) -> None:
    """Without the environment's switch there are no canned answers."""
    assert table(tmp_path, environ={}).get("dummy::echo") is None


def test_many_shorthand_names_do_not_fill_the_memory(tmp_path: Path) -> None:
    """Clients may invent names without end; only so many are kept."""
    models = table(tmp_path)
    first = models.get("dummy::0")
    for number in range(1, SHORTHANDS_KEPT + 1):
        models.get(f"dummy::{number}")
    again = models.get("dummy::0")
    assert again is not None
    assert again is not first


def test_names_in_use_are_kept(tmp_path: Path) -> None:
    """A shorthand model that is asked for now and then stays, however many others are named once."""
    models = table(tmp_path)
    used = models.get("dummy::used")
    for number in range(2 * SHORTHANDS_KEPT):
        models.get(f"dummy::{number}")
        if number % 100 == 0:
            assert models.get("dummy::used") is used


AZURE = (
    '[models.a]\nrouting = ["z"]\n[models.a.providers.z]\ntype = "azure"\ndeployment_id = "d"\n'
    'endpoint = "env::PLACE"\napi_key_location = "dynamic::key"\n'
)


def test_an_endpoint_out_of_the_environment(tmp_path: Path) -> None:
    """Where requests go may be named by a variable."""
    models = table(tmp_path, AZURE, environ={"PLACE": "http://azure.test"})
    assert models.problems == []
    model = models.get("a")
    assert model is not None
    assert len(model.providers) == 1


def test_an_endpoint_that_is_no_url(tmp_path: Path) -> None:
    """What a provider cannot use is told with its place and the variable that it came from."""
    place = r"models\.a\.providers\.z\.endpoint: Invalid endpoint URL from env var 'PLACE'"
    for text in ("nowhere", "ftp://nowhere"):
        with pytest.raises(ConfigError, match=place):
            table(tmp_path, AZURE, environ={"PLACE": text})
