"""A variant's templates applied to an input: the messages a model gets. Hot.

Which slot has a template, of which form, is settled when the configuration is loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct

from tzproxy.errors import RequestError
from tzproxy.inference.errors import TemplateMissingError
from tzproxy.inference.input import ReadInput
from tzproxy.types.content import (
    Message,
    ModelBlock,
    RawText,
    StoredFile,
    StoredMessage,
    Template,
    Text,
)

Render = Callable[[Mapping[str, object]], str]


class Slot(Struct, frozen=True):
    """A template of a variant. `wraps`: old form without schema, it gets the caller's text as a variable."""

    render: Render
    wraps: bool
    legacy: bool


class Prompt:
    """The templates of one variant by slot name."""

    __slots__ = ("_keeps_text", "_plain", "_slots", "_system")

    def __init__(self, slots: Mapping[str, Slot]) -> None:
        self._slots = dict(slots)
        self._system = self._slots.get("system")
        self._plain = not self._slots
        self._keeps_text = not any(slot.legacy for name, slot in slots.items() if name != "system")

    def render(self, read: ReadInput) -> tuple[list[Message], str | None]:
        """Render all turns, then the system text.

        Raises:
            RequestError: (or TemplateMissingError, TemplateError) as `messages` and `system`.
        """
        if self._plain and read.verbatim:
            # PERF: what a model sees is what is stored, and neither is changed later (test_100_requests).
            return read.stored.messages, read.stored.system  # type: ignore[return-value]  # all in both forms
        return self.messages(read), self.system(read.stored.system)

    def system(self, value: str | dict[str, object] | None) -> str | None:
        """Render the system text; a template is rendered even if the request has no system.

        Raises:
            RequestError: when arguments meet a variant that takes text only.
            TemplateError: when rendering fails.
        """
        slot = self._system
        if slot is None:
            if isinstance(value, dict):
                raise RequestError(
                    "System message content is not a string but the variant has no system template"
                )
            return value
        if slot.wraps:
            if isinstance(value, dict):
                raise RequestError(
                    "System message content is not a string but `input_wrappers.system` is set "
                    "in the variant config"
                )
            return slot.render({"system_text": value})
        return slot.render(value if isinstance(value, dict) else {})

    def messages(self, read: ReadInput) -> list[Message]:
        """Render all turns. Each block stays a block of its own.

        Raises:
            TemplateMissingError: when this variant lacks a template that the request names.
            TemplateError: when rendering fails.
        """
        if read.verbatim and self._keeps_text:
            return read.stored.messages  # type: ignore[return-value]  # all of it is in both forms
        files = read.files
        return [self._message(index, message, files) for index, message in enumerate(read.stored.messages)]

    def _message(
        self, index: int, message: StoredMessage, files: Mapping[tuple[int, int], ModelBlock]
    ) -> Message:
        content: list[ModelBlock] = []
        wrapper = None if self._keeps_text else self._slots.get(message.role)
        for position, block in enumerate(message.content):
            if isinstance(block, Text):
                if wrapper is not None and wrapper.legacy:
                    content.append(Text(wrapper.render({f"{message.role}_text": block.text})))
                else:
                    content.append(block)
            elif isinstance(block, Template):
                content.append(Text(self._render(block)))
            elif isinstance(block, RawText):
                content.append(Text(block.value))
            elif isinstance(block, StoredFile):
                content.append(files[index, position])
            else:
                content.append(block)
        return Message(message.role, content)

    def _render(self, block: Template) -> str:
        slot = self._slots.get(block.name)
        if slot is None:
            raise TemplateMissingError(block.name)
        if slot.wraps:
            raise RequestError(
                f"Request message content for `{block.name}` is not a string but "
                f"`input_wrappers.{block.name}` is set in the variant config"
            )
        return slot.render(block.arguments)
