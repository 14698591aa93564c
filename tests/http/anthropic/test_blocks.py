"""Tests of `tzproxy.http.anthropic.blocks`: content blocks."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec import Raw

from tzproxy.errors import RequestError
from tzproxy.http.anthropic.blocks import read_blocks
from tzproxy.http.responses.thoughts import ThoughtParts
from tzproxy.types.content import SummaryText, Thought

SEALED = ThoughtParts.of(Thought(None, "sig", [SummaryText("Hm")], "openai")).sealed()
HIDDEN = ThoughtParts.of(Thought(None, "sig", None, "openai")).sealed()


def read(block: dict[str, Any]) -> list[dict[str, Any]]:
    """Read a block and return what is set in those it becomes."""
    blocks = msgspec.json.decode(msgspec.json.encode(read_blocks(Raw(msgspec.json.encode(block)), "here")))
    return [{name: value for name, value in entry.items() if value is not None} for entry in blocks]


def document(**source: Any) -> dict[str, Any]:
    """Write a document."""
    return {"type": "document", "title": "T", "source": source}


@pytest.mark.parametrize(
    ("block", "blocks"),
    [
        ({"type": "text", "text": "a", "citations": None}, [{"type": "text", "text": "a"}]),
        ({"type": "text", "tensorzero::arguments": {"a": 1}}, [{"type": "text", "arguments": {"a": 1}}]),
        (
            {"type": "thinking", "thinking": "Hm", "signature": "sig"},
            [{"type": "thought", "text": "Hm", "signature": "sig"}],
        ),
        (
            {"type": "thinking", "thinking": "Hm", "signature": ""},
            [{"type": "thought", "text": "Hm"}],
        ),
        (
            {"type": "thinking", "thinking": "Hm", "signature": SEALED},
            [
                {
                    "type": "thought",
                    "signature": "sig",
                    "summary": [{"type": "summary_text", "text": "Hm"}],
                    "provider_type": "openai",
                }
            ],
        ),
        ({"type": "redacted_thinking", "data": "D"}, [{"type": "thought", "signature": "D"}]),
        (
            {"type": "redacted_thinking", "data": HIDDEN},
            [{"type": "thought", "signature": "sig", "provider_type": "openai"}],
        ),
        (
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
            [{"type": "file", "data": "AAAA", "mime_type": "image/png"}],
        ),
        (
            {"type": "image", "source": {"type": "url", "url": "https://a.test/b.png"}},
            [{"type": "file", "url": "https://a.test/b.png"}],
        ),
        (
            document(type="base64", media_type="application/pdf", data="AAAA"),
            [{"type": "file", "data": "AAAA", "mime_type": "application/pdf", "filename": "T"}],
        ),
        (
            document(type="url", url="https://a.test/b"),
            [{"type": "file", "url": "https://a.test/b", "mime_type": "application/pdf", "filename": "T"}],
        ),
        (
            document(type="text", media_type="text/plain", data="words"),
            [{"type": "text", "text": "T\n\nwords"}],
        ),
        (
            document(type="content", content=[{"type": "text", "text": "words"}]),
            [{"type": "text", "text": "T"}, {"type": "text", "text": "words"}],
        ),
        (document(type="content", content="words"), [{"type": "text", "text": "T\n\nwords"}]),
        (
            {"type": "search_result", "source": "https://a.test", "title": "T", "content": []},
            [{"type": "text", "text": "T (https://a.test)"}],
        ),
        (
            {"type": "tool_use", "id": "a", "name": "n", "input": {"b": 1}, "caller": {"type": "direct"}},
            [{"type": "tool_call", "id": "a", "raw_name": "n", "raw_arguments": '{"b":1}'}],
        ),
        ({"type": "tensorzero::raw_text", "value": "a"}, [{"type": "raw_text", "value": "a"}]),
        (
            {"type": "tensorzero::template", "name": "t", "arguments": {}},
            [{"type": "template", "name": "t", "arguments": {}}],
        ),
    ],
)
def test_each_kind_has_its_blocks(block: dict[str, Any], blocks: list[dict[str, Any]]) -> None:
    """Texts, thoughts, images, documents and calls become the engine's blocks."""
    assert read(block) == blocks


@pytest.mark.parametrize("kind", ["server_tool_use", "web_search_tool_result", "mcp_tool_use"])
def test_blocks_of_the_providers_own_tools(kind: str) -> None:
    """What the provider's own tools did goes back to it untouched."""
    block = {"type": kind, "id": "a", "content": {"any": ["thing"]}}
    assert read(block) == [{"type": "unknown", "data": block}]


@pytest.mark.parametrize(
    ("block", "complaint"),
    [
        ({"type": "text"}, "here: missing field `text`"),
        ({"type": "text", "text": "a", "tensorzero::arguments": {}}, "only one of"),
        ({"type": "image"}, "here.source: missing"),
        ({"type": "image", "source": {"type": "file", "file_id": "f"}}, "keeps no files"),
        ({"type": "image", "source": {"type": "disk"}}, "unknown type `disk`"),
        (document(type="file", file_id="f"), "keeps no files"),
        (document(type="disk"), "unknown type `disk`"),
        ({"type": "document"}, "here.source: missing"),
        ({"type": "thinking"}, "missing field `thinking`"),
        ({"type": "tool_use", "name": "n", "input": {}}, "missing field `id`"),
        ({"type": "tensorzero::template", "name": "t"}, "missing field `arguments`"),
    ],
)
def test_mistakes_are_named(block: dict[str, Any], complaint: str) -> None:
    """What is missing or unknown is said."""
    with pytest.raises(RequestError, match=complaint):
        read(block)
