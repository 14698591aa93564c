"""Tests of `tzproxy.http.responses.extras`: what both protocols of agents share."""

from __future__ import annotations

import msgspec
import pytest
from msgspec import Raw

from tzproxy.errors import RequestError
from tzproxy.http.responses.extras import GatewayExtras, decode_body, decode_part, merged_params
from tzproxy.types.params import NO_CHAT_PARAMS, NO_PARAMS, ChatParams, InferenceParams


class Example(GatewayExtras, frozen=True, kw_only=True):
    """A protocol of one field."""

    model: str


class Inner(msgspec.Struct):
    """A part of a body."""

    size: int
    name: str = ""


DECODER = msgspec.json.Decoder(Example)
INNER = msgspec.json.Decoder(Inner)


def test_unknown_fields_are_denied_on_demand() -> None:
    """Unknown fields are tolerated unless the request says otherwise; then all of them are named."""
    assert decode_body(DECODER, b'{"model":"m","b":1}').model == "m"
    with pytest.raises(RequestError, match=r"found unknown fields in the request: \[a, b\]"):
        decode_body(DECODER, b'{"model":"m","b":1,"a":2,"tensorzero::deny_unknown_fields":true}')


def test_both_layers_are_known_fields() -> None:
    """The gateway's own fields and the protocol's count as known."""
    body = b'{"model":"m","tensorzero::tags":{"a":"b"},"tensorzero::deny_unknown_fields":true}'
    assert decode_body(DECODER, body).tags == {"a": "b"}


@pytest.mark.parametrize(
    ("raw", "complaint"),
    [
        (b'{"size":"big"}', r"^part\.size: Expected `int`, got `str`"),
        (b"{}", r"^part(\.|: ).*size"),
        (b"3", r"^part: Expected `object`, got `int`"),
    ],
)
def test_mistakes_in_parts_have_their_path(raw: bytes, complaint: str) -> None:
    """A mistake inside a part is named from the body's root."""
    with pytest.raises(RequestError, match=complaint):
        decode_part(INNER, Raw(raw), "part")


def test_parameters_are_merged() -> None:
    """Parameters that are set win over the protocol's; nothing set is nothing."""
    plain = ChatParams(temperature=0.5, top_p=0.5)
    extras = Example(model="m", params=InferenceParams(ChatParams(top_p=1.0, seed=1)))
    merged = merged_params(extras, plain).chat_completion
    assert (merged.temperature, merged.top_p, merged.seed) == (0.5, 1.0, 1)
    assert merged_params(Example(model="m"), NO_CHAT_PARAMS) is NO_PARAMS
    assert merged_params(Example(model="m"), plain).chat_completion == plain
