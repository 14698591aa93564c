"""The second half of reflection: templates that do what the reports ask for. Cold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from tzproxy.optimization.gepa.analysis import Analysis, shown_case
from tzproxy.optimization.gepa.context import section, shown_templates
from tzproxy.optimization.gepa.errors import ReplyError
from tzproxy.optimization.gepa.reflection import MUTATE, Reflection

INSTRUCTIONS = """\
You edit the prompt templates of a software function. The function asks a language model; its templates,
in the MiniJinja language, turn each input into that model's prompt. Evaluators score what the model
answers, and your edition should make them score higher on inputs that nobody has seen yet.

You get a description of the function and of its evaluators, the templates in use, and reports on single
cases: what went wrong, what could be better, what works and has to stay.

Weigh the reports against each other, find what they have in common, and rewrite the templates
accordingly:
- Turn findings into general instructions: rules, steps, definitions, the form of the answer. Keep
  knowledge of the task that cannot be guessed. Do not copy the cases themselves.
- Keep what the reports call working.
- Keep every variable, loop, condition and include of a template working: use no variable that it does not
  use already. Text that has to contain braces of the template language must be escaped.
- Contradict neither the schemas nor the tools of the function.
- Leave a template as it is where nothing speaks for a change.

Answer with all templates, each under its own name and with its whole new text. Add none, leave none out.
"""

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "templates": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"name": {"type": "string"}, "content": {"type": "string"}},
                "required": ["name", "content"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["templates"],
    "additionalProperties": False,
}


class _Template(Struct, frozen=True):
    name: str
    content: str


class _Reply(Struct, frozen=True):
    templates: list[_Template]


REPLY = msgspec.json.Decoder(_Reply)


async def mutate(
    reflection: Reflection,
    model: str,
    *,
    background: str,
    templates: dict[str, str],
    analyses: Sequence[Analysis],
    shows_cases: bool,
) -> dict[str, str]:
    """Have a model rewrite templates; return all of them.

    Raises:
        ReplyError: when the reply is not the same templates with other texts.
        TzproxyError: when the model cannot be asked or does not answer.
    """
    answer = await reflection.ask(
        MUTATE,
        model,
        instructions=INSTRUCTIONS,
        text=question(background, templates, analyses, shows_cases=shows_cases),
        output_schema=SCHEMA,
    )
    parsed = None if answer.output is None else answer.output.parsed
    if parsed is None:
        raise ReplyError("the mutation model replied with something else than templates")
    return read_templates(bytes(parsed), templates)


def question(
    background: str, templates: Mapping[str, str], analyses: Sequence[Analysis], *, shows_cases: bool
) -> str:
    """Write what the model is shown."""
    reports = [
        section("finding", f"{shown_case(one.of)}\n{one.report}" if shows_cases else one.report)
        for one in analyses
    ]
    return "\n\n".join([background, section("templates", shown_templates(templates)), *reports])


def read_templates(raw: bytes, parent: Mapping[str, str]) -> dict[str, str]:
    """Read a reply: the templates of the parent, in its order, at least one with another text.

    Raises:
        ReplyError: when they are others, or the same.
    """
    try:
        entries = REPLY.decode(raw).templates
    except msgspec.DecodeError as exc:
        raise ReplyError(f"the mutation model replied with no templates: {exc}") from exc
    names = [entry.name for entry in entries]
    if sorted(names) != sorted(parent):
        raise ReplyError(
            f"the mutation model has to reply with the templates {sorted(parent)}, not with {sorted(names)}"
        )
    texts = {entry.name: entry.content for entry in entries}
    if texts == dict(parent):
        raise ReplyError("the mutation model left all templates as they were")
    return {name: texts[name] for name in parent}
