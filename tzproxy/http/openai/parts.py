"""The parts of a message's content: from what clients of OpenAI write to blocks of an input. Hot.

Source: OpenAI API reference, content parts of chat messages; `tensorzero::` parts of TensorZero 2026.6.
"""

from __future__ import annotations

import base64
import re
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, field

from tzproxy.errors import RequestError
from tzproxy.http.errors import decode_error
from tzproxy.inference.files.mime import told_by_head
from tzproxy.types.request import FileInput, InputBlock, RawTextInput, TemplateInput, TextInput

NOT_A_DATA_URL = (
    "Expected a base64-encoded data URL with MIME type (e.g. `data:image/png;base64,SGVsbG8sIFdvcmxkIQ==`), "
    "but got a value without the "
)
MIME_TYPE = r"^[!#$&^_.+a-zA-Z0-9-]+/[!#$&^_.+a-zA-Z0-9-]*(\s*;.*)?$"
is_mime_type = re.compile(MIME_TYPE).match


class Part(Struct, frozen=True):
    """What tells the kind of a part, and all there is of a text. Any JSON, so that we word the complaints."""

    type: object = UNSET
    text: object = UNSET
    template_arguments: object = field(default=UNSET, name="tensorzero::arguments")


class ImageUrl(Struct, frozen=True, forbid_unknown_fields=True):
    """`image_url`: an address, or the data in one."""

    url: str
    mime_type: Annotated[str, Meta(pattern=MIME_TYPE)] | None = field(
        default=None, name="tensorzero::mime_type"
    )
    detail: Literal["low", "high", "auto"] | None = None


class FileData(Struct, frozen=True):
    """`file`. Other keys, such as `file_id`, are passed over."""

    file_data: str
    filename: str | None = None


class InputAudio(Struct, frozen=True):
    """`input_audio`. The format is told by the data, not by what it is said to be."""

    data: str
    format: str


class ImagePart(Struct, frozen=True, tag_field="type", tag="image_url", forbid_unknown_fields=True):
    """A picture, or any other file."""

    image_url: ImageUrl


class FilePart(Struct, frozen=True, tag_field="type", tag="file", forbid_unknown_fields=True):
    """A file."""

    file: FileData


class AudioPart(Struct, frozen=True, tag_field="type", tag="input_audio", forbid_unknown_fields=True):
    """A recording."""

    input_audio: InputAudio


class RawTextPart(
    Struct, frozen=True, tag_field="type", tag="tensorzero::raw_text", forbid_unknown_fields=True
):
    """Text that skips schemas and templates."""

    value: str


class TemplatePart(
    Struct, frozen=True, tag_field="type", tag="tensorzero::template", forbid_unknown_fields=True
):
    """Arguments for a named template."""

    name: str
    arguments: dict[str, object]


PART = msgspec.json.Decoder(Part)
OTHER = msgspec.json.Decoder(ImagePart | FilePart | AudioPart | RawTextPart | TemplatePart)
OBJECT = msgspec.json.Decoder(dict[str, object])


def read_part(raw: Raw, role: str) -> InputBlock:
    """Translate one entry of a content array.

    Raises:
        RequestError: saying what is wrong with it.
    """
    try:
        part = PART.decode(raw)
    except msgspec.ValidationError as exc:
        raise incompatible(f"Content block `{bytes(raw).decode()}` is not an object") from exc
    except msgspec.DecodeError as exc:
        raise decode_error(exc) from exc
    if part.type == "text":
        return _text(part)
    if part.type is UNSET:
        return _untyped(raw, role)
    try:
        return _other(OTHER.decode(raw))
    except msgspec.ValidationError as exc:
        raise incompatible(f"Invalid content block: {decode_error(exc).message}") from exc


def incompatible(message: str) -> RequestError:
    """Make the error for a request that has no translation."""
    return RequestError(f"Invalid request to OpenAI-compatible endpoint: {message}")


def _text(part: Part) -> TextInput:
    text, arguments = part.text, part.template_arguments
    if arguments is UNSET:
        if isinstance(text, str):
            return TextInput(text)
        if text is UNSET:
            raise incompatible(
                "Invalid content block: Either `text` or `tensorzero::arguments` must be set "
                'when using `"type": "text"`'
            )
        raise incompatible('Invalid content block: `text` must be a string when using `"type": "text"`')
    if text is not UNSET:
        raise incompatible(
            "Invalid TensorZero content block: Only one of `text` or `tensorzero::arguments` can be set "
            'when using `"type": "text"`'
        )
    if not isinstance(arguments, dict):
        raise incompatible(
            "Invalid TensorZero content block: `tensorzero::arguments` must be an object "
            'when using `"type": "text"`'
        )
    return TextInput(UNSET, arguments)


def _untyped(raw: Raw, role: str) -> TemplateInput:
    """Read the oldest form of template arguments: the part itself is the arguments."""
    arguments = OBJECT.decode(raw)
    if any(key.startswith("tensorzero::") for key in arguments):
        raise incompatible("Invalid TensorZero content block: missing tag field `type`")
    return TemplateInput(role, arguments)


def _other(part: ImagePart | FilePart | AudioPart | RawTextPart | TemplatePart) -> InputBlock:
    if isinstance(part, ImagePart):
        image = part.image_url
        if image.url[:5].lower() != "data:":
            return FileInput(url=image.url, mime_type=image.mime_type, detail=image.detail)
        mime_type, data = _data_url("data:" + image.url[5:])
        return FileInput(data=data, mime_type=mime_type, detail=image.detail)
    if isinstance(part, FilePart):
        mime_type, data = _data_url(part.file.file_data)
        return FileInput(data=data, mime_type=mime_type, filename=part.file.filename)
    if isinstance(part, AudioPart):
        return _audio(part.input_audio)
    if isinstance(part, RawTextPart):
        return RawTextInput(part.value)
    return TemplateInput(part.name, part.arguments)


def _audio(audio: InputAudio) -> FileInput:
    try:
        found = told_by_head(base64.b64decode(audio.data, validate=True))
    except ValueError as exc:
        raise incompatible(f"Invalid base64 data in input_audio: {exc}") from exc
    if found is None:
        raise incompatible(
            f"Could not detect audio format from file content. Format field was: {audio.format}"
        )
    if not found.startswith("audio/"):
        raise incompatible(f"Expected audio file for input_audio, but detected {found}")
    return FileInput(data=audio.data, mime_type=found)


def _data_url(url: str) -> tuple[str, str]:
    if not url.startswith("data:"):
        raise incompatible(f"{NOT_A_DATA_URL}`data:` prefix.")
    head, found, data = url[5:].partition(";base64,")
    if not found:
        raise incompatible(f"{NOT_A_DATA_URL}`;base64,` separator.")
    if not is_mime_type(head):
        raise incompatible(f"Unknown MIME type `{head}` in data URL")
    return head, data
