from __future__ import annotations

import pytest
from msgspec import structs

from tzproxy.config.credentials import RULES
from tzproxy.config.locations import NoneLocation
from tzproxy.config.providers import provider_type
from tzproxy.providers.chat_completions.body import rest_writer
from tzproxy.providers.chat_completions.build import BUILDERS
from tzproxy.providers.chat_completions.rows import ROWS

from ..samples import CONFIGS, chat


def test_every_row_can_be_configured() -> None:
    """Each row has a configuration type of its name, and the other way round."""
    assert {provider_type(CONFIGS[name]) for name in ROWS} == set(ROWS)
    assert {type(CONFIGS[name]) for name in ROWS} == set(BUILDERS)


@pytest.mark.parametrize("name", ROWS)
def test_rows_fit_the_configuration(name: str) -> None:
    """A row has one place to call and known keys, and is keyless only where the configuration allows it."""
    row = ROWS[name]
    assert (row.url is None) or (row.api_base is None)
    rest_writer(row.body)
    assert row.keyless <= (NoneLocation in RULES[name].accepts)
    assert row.spec.display == RULES[name].display
    assert chat(name).spec is row.spec


@pytest.mark.parametrize("name", ROWS)
def test_rows_are_consistent(name: str) -> None:
    """Text is looked at for think tags in streams exactly where it is in answers; no parameter is both."""
    row = ROWS[name]
    assert row.think_tags is row.stream.think_tags
    assert not set(row.unsupported) & set(row.body.split())
    assert structs.asdict(row)["read_usage"] is row.stream.read_usage
    timed = {"fireworks", "vllm", "azure", "mistral"}
    assert row.spec.times_to_headers is (name in timed)
