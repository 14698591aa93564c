"""Files on their way to a provider: names, data URLs, which URLs may be forwarded, what is stored. Hot.

Opens and fetches nothing: a file that a provider cannot take as a URL arrives here as base64 data.
"""

from __future__ import annotations

import logging
import mimetypes
from collections.abc import Iterable

from tzproxy.providers.errors import refused
from tzproxy.types.content import File, Message

logger = logging.getLogger(__name__)

_SUFFIXES = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/gif": "gif",
    "image/webp": "webp",
    "application/pdf": "pdf",
    "text/plain": "txt",
    "audio/midi": "mid",
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
    "audio/m4a": "m4a",
    "audio/mp4": "m4a",
    "audio/ogg": "ogg",
    "audio/flac": "flac",
    "audio/x-flac": "flac",
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/wave": "wav",
    "audio/amr": "amr",
    "audio/aac": "aac",
    "audio/x-aac": "aac",
    "audio/aiff": "aiff",
    "audio/x-aiff": "aiff",
    "audio/x-dsf": "dsf",
    "audio/x-ape": "ape",
    "audio/webm": "webm",
}
_GUESSED = {
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx",
    "text/markdown": "md",
    "application/yaml": "yaml",
    # Not in Python's database, but in the original's, with these suffixes.
    "application/epub+zip": "epub",
    "application/gzip": "gz",
    "application/rtf": "rtf",
    "application/vnd.oasis.opendocument.text": "odt",
    "text/calendar": "ifb",
    "text/javascript": "jsx",
    "text/x-c": "dic",
    "video/3gpp": "3gpp",
    "video/ogg": "ogv",
}
_MIME_DATABASE = mimetypes.MimeTypes(())


def suffix_of(mime_type: str) -> str:
    """Return the file name suffix for a MIME type, without a dot.

    Raises:
        ProviderError: when no suffix is known.
    """
    known = _SUFFIXES.get(mime_type)
    if known is not None:
        return known
    guessed = _GUESSED.get(mime_type) or (_MIME_DATABASE.guess_extension(mime_type) or "").lstrip(".")
    if not guessed:
        raise refused(f"Mime type {mime_type} has no filetype suffix")
    logger.warning("Guessed the file suffix `%s` for the mime type `%s`", guessed, mime_type)
    return guessed


def data_url(file: File) -> str:
    """Write a file's base64 data as a data URL."""
    return f"data:{mime_type_of(file)};base64,{file.data}"


def mime_type_of(file: File) -> str:
    """Return the MIME type of a file that is at hand; one without a type is plain bytes."""
    return file.mime_type or "application/octet-stream"


def never_forwards(file: File) -> bool:
    """Tell that a provider takes no URLs at all."""
    return False


def forwards_images(file: File) -> bool:
    """Tell whether a provider that takes URLs of images only may get this file's URL as it is."""
    if file.url is None or file.data is not None:
        return False
    return file.mime_type is None or file.mime_type.startswith("image/")


def forwards_typed(file: File) -> bool:
    """Tell whether a provider that takes URLs of files of known type may get this file's URL as it is."""
    if file.url is None or file.data is not None:
        return False
    if file.mime_type is None:
        logger.warning("A file without a `mime_type` is fetched instead of forwarding its URL")
        return False
    return True


def has_data(messages: Iterable[Message]) -> bool:
    """Tell whether any message carries a file's bytes."""
    for message in messages:
        for block in message.content:
            if type(block) is File and block.data is not None:
                return True
    return False


def stored_body(body: bytes, messages: Iterable[Message]) -> str:
    """Return a request body as it is stored: the files' bytes replaced by numbered placeholders.

    Also right for a body that `extra_body` has changed.
    """
    text = body.decode("utf-8", "replace")
    number = 0
    for message in messages:
        for block in message.content:
            if type(block) is File and block.data is not None:
                if block.data:
                    text = text.replace(block.data, f"<TENSORZERO_FILE_{number}>")
                number += 1
    return text
