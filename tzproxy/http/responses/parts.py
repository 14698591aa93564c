"""From the parts of a Responses message to input blocks. Hot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from tzproxy.errors import RequestError
from tzproxy.http.responses.wire import Part
from tzproxy.inference.files import sniff_mime_type
from tzproxy.types.request import FileInput, InputBlock, RawTextInput, TemplateInput, TextInput

TEXTS = ("input_text", "output_text", "text")
DETAILS: dict[str, Literal["low", "high", "auto"]] = {
    "low": "low",
    "high": "high",
    "auto": "auto",
    "original": "high",
}
NO_FILES = "the gateway keeps no files; send the data or a URL instead of `file_id`"


def read_part(part: Part, role: str, where: str) -> InputBlock:
    """Translate one part.

    Raises:
        RequestError: naming what is wrong with it.
    """
    kind = part.type
    if kind in TEXTS:
        return _text(part, where)
    if kind == "refusal":
        return TextInput(_demanded(part.refusal, "refusal", where))
    if kind == "input_image":
        return _image(part, where)
    if kind == "input_file":
        return _file(part, where)
    if kind == "input_audio":
        if part.input_audio is None:
            raise RequestError(f"{where}: missing field `input_audio`")
        data = part.input_audio.data
        return FileInput(data=data, mime_type=sniff_mime_type(data, where=where))
    if kind == "tensorzero::raw_text":
        return RawTextInput(_demanded(part.value, "value", where))
    if kind == "tensorzero::template":
        if part.arguments is None:
            raise RequestError(f"{where}: missing field `arguments`")
        return TemplateInput(_demanded(part.name, "name", where), part.arguments)
    raise RequestError(f"{where}: unknown type `{kind}` of content for role `{role}`")


def split_output(output: str | Sequence[Part], where: str) -> tuple[str, list[InputBlock]]:
    """Part what a tool answered into its text and its files.

    Raises:
        RequestError: naming the part that is neither.
    """
    if isinstance(output, str):
        return output, []
    texts: list[str] = []
    files: list[InputBlock] = []
    for position, part in enumerate(output):
        block = read_part(part, "tool", f"{where}[{position}]")
        if isinstance(block, TextInput) and isinstance(block.text, str):
            texts.append(block.text)
        else:
            files.append(block)
    return "\n".join(texts), files


def data_url(url: str, where: str) -> tuple[str, str]:
    """Split a base64 data URL into type and data.

    Raises:
        RequestError: when it is not one.
    """
    head, found, data = url.removeprefix("data:").partition(";base64,")
    if not found or "/" not in head:
        raise RequestError(f"{where}: expected a data URL such as `data:image/png;base64,...`")
    return head, data


def _text(part: Part, where: str) -> TextInput:
    if part.template_arguments is None:
        return TextInput(_demanded(part.text, "text", where))
    if part.text is not None:
        raise RequestError(f"{where}: only one of `text` and `tensorzero::arguments` may be given")
    return TextInput(arguments=part.template_arguments)


def _image(part: Part, where: str) -> FileInput:
    if part.image_url is None:
        raise RequestError(f"{where}: " + (NO_FILES if part.file_id else "missing field `image_url`"))
    detail = None
    if part.detail is not None:
        detail = DETAILS.get(part.detail)
        if detail is None:
            raise RequestError(f"{where}: unknown detail `{part.detail}`")
    if part.image_url.startswith("data:"):
        mime_type, data = data_url(part.image_url, where)
        return FileInput(data=data, mime_type=mime_type, detail=detail)
    return FileInput(url=part.image_url, detail=detail)


def _file(part: Part, where: str) -> FileInput:
    if part.file_url is not None:
        return FileInput(url=part.file_url, filename=part.filename)
    if part.file_data is None:
        raise RequestError(f"{where}: " + (NO_FILES if part.file_id else "missing field `file_data`"))
    if part.file_data.startswith("data:"):
        mime_type, data = data_url(part.file_data, where)
        return FileInput(data=data, mime_type=mime_type, filename=part.filename)
    return FileInput(data=part.file_data, filename=part.filename)


def _demanded(value: str | None, name: str, where: str) -> str:
    if value is None:
        raise RequestError(f"{where}: missing field `{name}`")
    return value
