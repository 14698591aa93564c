from __future__ import annotations

import logging
from typing import Any

import pytest
from msgspec import Raw

from tzproxy.providers.chat_completions import thoughts
from tzproxy.providers.chat_completions.wire import Delta, MessageIn
from tzproxy.providers.errors import ProviderError
from tzproxy.types.content import ModelBlock, SummaryText, Text, Thought, ThoughtChunk

from ..samples import NO_HEADERS, answer, ask, assistant, chat, event, messages_of

SIGNED = Thought(None, "sig", [SummaryText("s")])
TAGGED = Thought("T", extra_data=Raw(b'{"reasoning_format":"think_tags"}'))
FIELD = Thought("F", extra_data=Raw(b'{"reasoning_format":"reasoning_field"}'))


@pytest.mark.parametrize(
    ("name", "field"),
    [
        *(
            (name, "reasoning_content")
            for name in ("openai", "deepseek", "xai", "hyperbolic", "sglang", "tgi")
        ),
        ("fireworks", "reasoning_content"),
        ("together", "reasoning"),
        ("vllm", "reasoning"),
    ],
)
def test_texts_are_joined(name: str, field: str) -> None:
    """Texts go back joined in the service's field; a thought without text sends nothing."""
    message = messages_of(name, [assistant(Thought("a"), SIGNED, Thought("b"), Text("x"))])[0]
    assert message[field] == "a\n\nb"
    assert list(message) == ["role", "content", field]
    assert field not in messages_of(name, [assistant(SIGNED, Text("x"))])[0]


@pytest.mark.parametrize("name", ["openai", "vllm", "fireworks", "together", "deepseek"])
def test_thoughts_alone(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """A turn of thoughts alone is not sent, with a warning."""
    for thought in (Thought("a"), TAGGED):
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            assert messages_of(name, [assistant(thought)]) == []
        assert len(caplog.messages) == 1


@pytest.mark.parametrize(("name", "field"), [("fireworks", "reasoning_content"), ("together", "reasoning")])
def test_thoughts_go_back_in_their_form(name: str, field: str) -> None:
    """What came between tags goes back between tags, first; what came in a field goes back in the field."""
    assert messages_of(name, [assistant(Text("b"), TAGGED, FIELD, Thought("P"), TAGGED)]) == [
        {
            "role": "assistant",
            "content": [{"type": "text", "text": "<think>T\n\nT</think>"}, {"type": "text", "text": "b"}],
            field: "F\n\nP",
        }
    ]


def test_unknown_form() -> None:
    """A form that nobody knows is refused by name."""
    odd = Thought("x", extra_data=Raw(b'{"reasoning_format":"odd"}'))
    with pytest.raises(
        ProviderError, match="^Unknown `reasoning_format` value in thought `extra_data`: `odd`$"
    ):
        messages_of("together", [assistant(odd, Text("a"))])


def test_foreign_extra_data() -> None:
    """Extra data of another shape is no obstacle."""
    for extra in (b"[1]", b'{"reasoning_format":7}', b'{"other":1}'):
        message = messages_of("fireworks", [assistant(Thought("x", extra_data=Raw(extra)), Text("a"))])[0]
        assert message["reasoning_content"] == "x"


def test_openrouter_gets_its_own_back(caplog: pytest.LogCaptureFixture) -> None:
    """OpenRouter's thoughts go back as details; all others, untagged ones too, are dropped with a warning."""

    def own(**fields: Any) -> Thought:
        extra = fields.pop("extra", None)
        return Thought(
            fields.pop("text", None),
            provider_type="openrouter",
            extra_data=None if extra is None else Raw(extra),
            **fields,
        )

    blocks: list[ModelBlock] = [
        own(signature="S", extra=b'{"format":"f1","encrypted":true}'),
        own(signature="R", extra=b'{"encrypted":true}'),
        own(text="T", signature="G", extra=b'{"format":"f2"}'),
        own(text="U", summary=[SummaryText("s1"), SummaryText("s2")]),
        own(summary=[SummaryText("s3")], extra=b'{"format":"f3"}'),
        Thought("untagged"),
        Text("b"),
    ]
    with caplog.at_level(logging.WARNING):
        message = messages_of("openrouter", [assistant(*blocks)])[0]
    assert message == {
        "role": "assistant",
        "content": "b",
        "reasoning_details": [
            {"type": "reasoning.encrypted", "data": "S", "format": "f1"},
            {"type": "reasoning.encrypted", "data": "R", "format": "raw"},
            {"type": "reasoning.text", "text": "T", "signature": "G", "format": "f2"},
            {"type": "reasoning.text", "text": "U"},
            {"type": "reasoning.summary", "summary": "s1"},
            {"type": "reasoning.summary", "summary": "s2"},
            {"type": "reasoning.summary", "summary": "s3", "format": "f3"},
        ],
    }
    assert len(caplog.messages) == 1


def test_openrouter_sends_details_alone() -> None:
    """A turn of OpenRouter's details alone is sent."""
    own = Thought("T", provider_type="openrouter")
    assert messages_of("openrouter", [assistant(own)]) == [
        {"role": "assistant", "reasoning_details": [{"type": "reasoning.text", "text": "T"}]}
    ]
    assert messages_of("openrouter", [assistant(Thought("T"))]) == []


BOTH = {"content": "x", "reasoning": "r", "reasoning_content": "rc"}
CONTENT_ONLY = {"content": "x", "reasoning_content": "rc"}


@pytest.mark.parametrize(
    ("name", "of_both", "of_content"),
    [
        ("openai", "r", "rc"),
        ("vllm", "r", "rc"),
        ("hyperbolic", None, None),
        ("sglang", "r", "rc"),
        ("groq", "r", None),
        ("xai", "r", "rc"),
        ("deepseek", "rc", "rc"),
        ("fireworks", "rc", "rc"),
        ("openrouter", None, None),
        ("tgi", None, None),
    ],
)
def test_which_field_is_read(name: str, of_both: str | None, of_content: str | None) -> None:
    """Each service's answers are read from its own field, tagged with its own type."""
    for message, expected in ((BOTH, of_both), (CONTENT_ONLY, of_content)):
        output = chat(name).parse_response(answer(message), NO_HEADERS, ask()).output
        found = [block for block in output if isinstance(block, Thought)]
        assert [block.text for block in found] == ([] if expected is None else [expected])
        assert all(block.provider_type == name for block in found)


def test_two_names_of_one_field() -> None:
    """Together's field has two names, of which an answer may use one."""
    together = chat("together")
    output = together.parse_response(answer(CONTENT_ONLY), NO_HEADERS, ask()).output
    assert output[0] == Thought("rc", provider_type="together", extra_data=thoughts.FIELD_FORMAT)
    with pytest.raises(ProviderError, match="Error parsing JSON response: duplicate field `reasoning`"):
        together.parse_response(answer(BOTH), NO_HEADERS, ask())
    with pytest.raises(ProviderError, match="Error parsing chunk. Error: duplicate field `reasoning`"):
        together.stream_parser(ask()).feed(event(BOTH))


def test_openrouter_details_are_read() -> None:
    """Each detail of an answer is a thought with what is needed to send it back."""
    details = [
        {"type": "reasoning.text", "text": "T", "signature": "G", "format": "f", "index": 0},
        {"type": "reasoning.text", "text": "U"},
        {"type": "reasoning.summary", "summary": "S", "format": "f"},
        {"type": "reasoning.encrypted", "data": "E"},
    ]
    output = (
        chat("openrouter").parse_response(answer({"reasoning_details": details}), NO_HEADERS, ask()).output
    )
    form, encrypted = Raw(b'{"format":"f"}'), Raw(b'{"encrypted":true}')
    assert output == [
        Thought("T", "G", provider_type="openrouter", extra_data=form),
        Thought("U", provider_type="openrouter"),
        Thought(None, summary=[SummaryText("S")], provider_type="openrouter", extra_data=form),
        Thought(None, "E", provider_type="openrouter", extra_data=encrypted),
    ]
    parser = chat("openrouter").stream_parser(ask())
    chunk = parser.feed(event({"reasoning_details": [details[1], details[0], details[2], details[3]]}))
    assert chunk is not None
    assert chunk.content == [
        ThoughtChunk("0", "U", None, None, None, "openrouter"),
        ThoughtChunk("0", "T", "G", None, None, "openrouter", form),
        ThoughtChunk("2", None, None, "2", "S", "openrouter", form),
        ThoughtChunk("3", None, "E", None, None, "openrouter", encrypted),
    ]


def test_unknown_detail() -> None:
    """A detail of an unknown type makes the answer unreadable."""
    with pytest.raises(ProviderError, match="^Error from openrouter server: Error parsing JSON response: "):
        chat("openrouter").parse_response(
            answer({"reasoning_details": [{"type": "reasoning.odd"}]}), NO_HEADERS, ask()
        )


def test_absent_reasoning() -> None:
    """Nothing is read from messages and pieces without reasoning."""
    for read in (
        thoughts.read_either("x"),
        thoughts.read_reasoning("x"),
        thoughts.read_reasoning_content("x"),
        thoughts.read_aliased("x"),
        thoughts.read_nothing,
    ):
        assert read(MessageIn(content="a")) == []
    for delta in (
        thoughts.delta_either("x", "1"),
        thoughts.delta_reasoning("x", "1"),
        thoughts.delta_reasoning_content("x", "1"),
        thoughts.delta_aliased("x", "1"),
        thoughts.delta_nothing,
    ):
        assert delta(Delta(content="a")) == []
