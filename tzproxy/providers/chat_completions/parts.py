"""Content blocks to message parts of the chat-completions wire. Hot. Pure functions, picked by a row."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from msgspec import Struct

from tzproxy.providers.chat_completions.wire import (
    AudioData,
    AudioPart,
    FileData,
    FilePart,
    ImagePart,
    ImageUrl,
    Part,
)
from tzproxy.providers.files import data_url, mime_type_of, suffix_of
from tzproxy.types.content import File

logger = logging.getLogger(__name__)


class FileRules(Struct, frozen=True, kw_only=True):
    """What one configured provider does with files.

    `overrides`: MIME type to `image_url`, `file` or `input_audio`, over what the type itself suggests.
    """

    display: str
    keeps_detail: bool = False
    overrides: Mapping[str, str] = {}


FileWriter = Callable[[FileRules, File], Part]


def write_file(rules: FileRules, file: File) -> Part:
    """Write an image as image, a sound as sound, and anything else as a file."""
    if file.data is None:
        return ImagePart(ImageUrl(file.url or "", _detail(rules, file)))
    mime_type = mime_type_of(file)
    kind = rules.overrides.get(mime_type) or _kind(mime_type)
    if kind == "image_url":
        return ImagePart(ImageUrl(data_url(file), _detail(rules, file)))
    if file.detail is not None:
        _warn_detail(rules)
    if kind == "input_audio":
        return AudioPart(AudioData(file.data, suffix_of(mime_type)))
    return FilePart(
        FileData(data_url(file), f"input.{suffix_of(mime_type)}" if file.filename is None else file.filename)
    )


def write_as_image(rules: FileRules, file: File) -> Part:
    """Write every file as an image, whatever it is."""
    url = data_url(file) if file.data is not None else file.url or ""
    return ImagePart(ImageUrl(url, _detail(rules, file)))


def _kind(mime_type: str) -> str:
    if mime_type.startswith("image/"):
        return "image_url"
    return "input_audio" if mime_type.startswith("audio/") else "file"


def _detail(rules: FileRules, file: File) -> str | None:
    if file.detail is None or rules.keeps_detail:
        return file.detail
    _warn_detail(rules)
    return None


def _warn_detail(rules: FileRules) -> None:
    logger.warning("%s does not support the `detail` of files, so it will be ignored.", rules.display)
