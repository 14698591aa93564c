"""Tests of `tzproxy.inference.prompt`: which template is applied to which block."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from msgspec import Raw

from in_process import MODEL, StartGateway, completion
from tzproxy.errors import RequestError
from tzproxy.inference.errors import TemplateMissingError
from tzproxy.inference.input import ReadInput
from tzproxy.inference.prompt import Prompt, Slot
from tzproxy.types.content import (
    File,
    Message,
    RawText,
    StoredBlock,
    StoredFile,
    StoredInput,
    StoredMessage,
    Template,
    Text,
    Thought,
    ToolResult,
)


def slot(name: str, *, wraps: bool = False, legacy: bool = False) -> Slot:
    """A template that shows its name and what it was given."""

    def render(context: Mapping[str, object]) -> str:
        return f"{name}({dict(context)})"

    return Slot(render, wraps, legacy)


def messages(
    prompt: Prompt,
    *blocks: StoredBlock,
    files: dict[tuple[int, int], File] | None = None,
    verbatim: bool = False,
) -> object:
    """Render one user message."""
    stored = StoredInput([StoredMessage("user", list(blocks))])
    return prompt.messages(ReadInput(stored, files or {}, False, verbatim=verbatim))


def test_without_templates_text_is_passed_on() -> None:
    """Every block stays a block of its own, in place."""
    blocks = [Text("a"), Text("b"), ToolResult("n", "r", "1"), Thought("t")]
    assert messages(Prompt({}), *blocks) == [Message("user", blocks)]


def test_what_has_one_form_is_not_made_anew() -> None:
    """Where nothing is rendered, the stored messages are what the model gets."""
    blocks = [Text("a"), ToolResult("n", "r", "1"), Thought("t")]
    for prompt in (Prompt({}), Prompt({"system": slot("system", legacy=True), "user": slot("user")})):
        assert messages(prompt, *blocks, verbatim=True) == [StoredMessage("user", blocks)]
    for legacy in ("user", "assistant"):
        prompt = Prompt({legacy: slot(legacy, legacy=True)})
        assert messages(prompt, *blocks, verbatim=True) == messages(prompt, *blocks)


def test_messages_and_system_are_rendered_together() -> None:
    """Both at once are what each is by itself, with templates and without."""
    stored = StoredInput([StoredMessage("user", [Text("a")])], "sys")
    for prompt in (Prompt({}), Prompt({"system": slot("system")}), Prompt({"user": slot("u", legacy=True)})):
        for verbatim in (True, False):
            read = ReadInput(stored, {}, False, verbatim=verbatim)
            assert prompt.render(read) == (prompt.messages(read), prompt.system("sys"))


def test_raw_text_skips_every_template() -> None:
    """It becomes plain text, whatever the variant has."""
    prompt = Prompt({"user": slot("user", wraps=True, legacy=True)})
    assert messages(prompt, RawText("{{ x }}")) == [Message("user", [Text("{{ x }}")])]


def test_files_take_their_place() -> None:
    """A stored pointer is replaced by what the model gets."""
    stored = StoredFile(None, "image/png", Raw(b"{}"))
    file = File(data="QQ==", mime_type="image/png")
    assert messages(Prompt({}), Text("a"), stored, files={(0, 1): file}) == [
        Message("user", [Text("a"), file])
    ]


def test_old_templates_get_the_text_as_a_variable() -> None:
    """A legacy template of the role wraps every text, with or without a schema."""
    for wraps in (True, False):
        prompt = Prompt({"user": slot("user", wraps=wraps, legacy=True)})
        assert messages(prompt, Text("a")) == [Message("user", [Text("user({'user_text': 'a'})")])]
    prompt = Prompt({"assistant": slot("assistant", legacy=True)})
    assert messages(prompt, Text("a")) == [Message("user", [Text("a")])]


def test_new_templates_leave_text_alone() -> None:
    """A named template of the role is used for arguments only."""
    prompt = Prompt({"user": slot("user")})
    assert messages(prompt, Text("a"), Template("user", {"b": 1})) == [
        Message("user", [Text("a"), Text("user({'b': 1})")])
    ]


def test_arguments_need_a_template_that_takes_them() -> None:
    """A slot that the variant lacks, or that only wraps text, fails."""
    with pytest.raises(TemplateMissingError) as missing:
        messages(Prompt({}), Template("n", {}))
    assert missing.value.message == "Template not found: n"
    with pytest.raises(RequestError) as caught:
        messages(Prompt({"user": slot("user", wraps=True, legacy=True)}), Template("user", {}))
    assert caught.value.message == (
        "Request message content for `user` is not a string but `input_wrappers.user` is set "
        "in the variant config"
    )


@pytest.mark.parametrize(
    ("slots", "value", "expected"),
    [
        ({}, "text", "text"),
        ({}, None, None),
        ({"system": slot("s")}, {"a": 1}, "s({'a': 1})"),
        ({"system": slot("s")}, "text", "s({})"),
        ({"system": slot("s")}, None, "s({})"),
        ({"system": slot("s", legacy=True)}, "text", "s({})"),
        ({"system": slot("s", wraps=True, legacy=True)}, "text", "s({'system_text': 'text'})"),
        ({"system": slot("s", wraps=True, legacy=True)}, None, "s({'system_text': None})"),
    ],
)
def test_system_forms(
    slots: dict[str, Slot], value: str | dict[str, object] | None, expected: object
) -> None:
    """A system template is rendered even without a system; what it gets depends on its form."""
    assert Prompt(slots).system(value) == expected


@pytest.mark.parametrize(
    ("slots", "message"),
    [
        ({}, "System message content is not a string but the variant has no system template"),
        (
            {"system": slot("s", wraps=True, legacy=True)},
            "System message content is not a string but `input_wrappers.system` is set in the variant config",
        ),
    ],
)
def test_system_arguments_need_a_template_that_takes_them(slots: dict[str, Slot], message: str) -> None:
    """Arguments for a variant that takes text only fail."""
    with pytest.raises(RequestError) as caught:
        Prompt(slots).system({"a": 1})
    assert caught.value.message == message


TWO_VARIANTS = (
    MODEL
    + """
[functions.f]
type = "chat"
experimentation = { type = "static", candidate_variants = ["plain"], fallback_variants = ["named"] }
[functions.f.variants.plain]
type = "chat_completion"
model = "m"
[functions.f.variants.named]
type = "chat_completion"
model = "m"
templates.greeting.path = "greeting.minijinja"
templates.system.path = "system.minijinja"
"""
)
FILES = {"greeting.minijinja": "Hello {{ name }}", "system.minijinja": "Be kind."}


async def test_a_variant_without_the_template_leaves_it_to_the_next(start: StartGateway) -> None:
    """A template that one variant lacks fails that variant only; nobody is asked for it."""
    gateway = await start(TWO_VARIANTS, [completion()], files=FILES)
    content = [{"type": "template", "name": "greeting", "arguments": {"name": "Ada"}}]
    request = {"input": {"messages": [{"role": "user", "content": content}]}}
    reply = await gateway.infer(**request)
    assert reply.json()["variant_name"] == "named"
    assert gateway.sent == [
        {
            "messages": [
                {"role": "system", "content": "Be kind."},
                {"role": "user", "content": "Hello Ada"},
            ],
            "model": "gpt",
            "stream": False,
        }
    ]
    reply = await gateway.infer(**request, variant_name="plain")
    assert (reply.status, reply.error) == (500, "Template not found: greeting")


async def test_a_template_that_cannot_be_rendered_names_itself(start: StartGateway) -> None:
    """A missing variable fails the variant with the template's name."""
    gateway = await start(TWO_VARIANTS, files=FILES)
    content = [{"type": "template", "name": "greeting", "arguments": {}}]
    request = {"input": {"messages": [{"role": "user", "content": content}]}}
    reply = await gateway.infer(**request, variant_name="named")
    assert reply.status == 500
    assert reply.error.startswith("Error rendering template greeting.minijinja: ")
    reply = await gateway.infer(**request)
    assert reply.status == 502
    assert reply.error.startswith(
        "All variants failed with errors: plain: Template not found: greeting\n"
        "named: Error rendering template greeting.minijinja: "
    )
