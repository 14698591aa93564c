"""Types of files: told by their first bytes, and the name endings that they are stored under. Cold.

Source: answers of TensorZero 2026.6.0 for files of each kind; WHATWG MIME Sniffing for markup.
"""

from __future__ import annotations

import base64
import mimetypes

from tzproxy.errors import RequestError

HEAD_BYTES = 512

SIGNATURES: tuple[tuple[bytes, int, bytes, str], ...] = (
    # (bytes at the start, offset, bytes there, type); the first that fits counts
    (b"\x89PNG", 0, b"", "image/png"),
    (b"\xff\xd8\xff", 0, b"", "image/jpeg"),
    (b"GIF", 0, b"", "image/gif"),
    (b"RIFF", 8, b"WEBP", "image/webp"),
    (b"II*\x00", 8, b"CR", ""),
    (b"II*\x00", 0, b"", "image/tiff"),
    (b"MM\x00*", 0, b"", "image/tiff"),
    (b"BM", 0, b"", "image/bmp"),
    (b"II\xbc", 0, b"", "image/vnd.ms-photo"),
    (b"8BPS", 0, b"", "image/vnd.adobe.photoshop"),
    (b"\x00\x00\x01\x00", 0, b"", "image/vnd.microsoft.icon"),
    (b"\xff\x0a", 0, b"", "image/jxl"),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", 0, b"", "image/jp2"),
    (b"", 4, b"ftypavif", "image/avif"),
    (b"", 4, b"ftypheic", "image/heif"),
    (b"", 4, b"ftypM4A", "audio/m4a"),
    (b"", 4, b"ftypqt", "video/quicktime"),
    (b"", 4, b"ftypisom", "video/mp4"),
    (b"", 4, b"ftypmp4", "video/mp4"),
    (b"", 4, b"ftypavc1", "video/mp4"),
    (b"", 4, b"ftypiso", "video/mp4"),
    (b"\x00\x00\x01\xba", 0, b"", "video/mpeg"),
    (b"RIFF", 8, b"AVI", "video/x-msvideo"),
    (b"FLV\x01", 0, b"", "video/x-flv"),
    (b"0&\xb2u\x8ef\xcf\x11\xa6\xd9", 0, b"", "video/x-ms-wmv"),
    (b"RIFF", 8, b"WAVE", "audio/x-wav"),
    (b"ID3", 0, b"", "audio/mpeg"),
    (b"\xff\xfb", 0, b"", "audio/mpeg"),
    (b"OggS", 28, b"OpusHead", "audio/opus"),
    (b"OggS", 0, b"", "audio/ogg"),
    (b"fLaC", 0, b"", "audio/x-flac"),
    (b"\xff\xf1", 0, b"", "audio/aac"),
    (b"\xff\xf9", 0, b"", "audio/aac"),
    (b"#!AMR\n", 0, b"", "audio/amr"),
    (b"MThd", 0, b"", "audio/midi"),
    (b"FORM", 8, b"AIFF", "audio/x-aiff"),
    (b"DSD ", 0, b"", "audio/x-dsf"),
    (b"MAC ", 0, b"", "audio/x-ape"),
    (b"%PDF", 0, b"", "application/pdf"),
    (b"{\\rtf", 0, b"", "application/rtf"),
    (b"PK\x03\x04", 0, b"", "application/zip"),
    (b"\x1f\x8b\x08", 0, b"", "application/gzip"),
    (b"7z\xbc\xaf\x27\x1c", 0, b"", "application/x-7z-compressed"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0, b"", "application/x-ole-storage"),
    (b"#!", 0, b"", "text/x-shellscript"),
)
MATROSKA = b"\x1aE\xdf\xa3"
HTML_TAGS = (
    b"<!doctype html",
    b"<html",
    b"<head",
    b"<script",
    b"<iframe",
    b"<h1",
    b"<div",
    b"<font",
    b"<table",
    b"<a",
    b"<style",
    b"<title",
    b"<b",
    b"<body",
    b"<br",
    b"<p",
    b"<!--",
)

EXTENSIONS = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/gif": "gif",
    "image/webp": "webp",
    "image/bmp": "dib",
    "image/tiff": "tiff",
    "image/svg+xml": "svgz",
    "image/avif": "avif",
    "image/heic": "heic",
    "image/heif": "heif",
    "image/x-icon": "ico",
    "image/vnd.microsoft.icon": "",
    "image/jpg": "",
    "application/pdf": "pdf",
    "application/octet-stream": "xtp",
    "application/json": "json",
    "application/xml": "xss",
    "application/yaml": "",
    "application/zip": "zip",
    "application/gzip": "gz",
    "application/x-tar": "tar",
    "application/rtf": "rtf",
    "application/javascript": "mjs",
    "application/x-ndjson": "",
    "application/msword": "wiz",
    "application/vnd.ms-excel": "xlw",
    "application/vnd.ms-powerpoint": "pwz",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx",
    "text/plain": "txt",
    "text/html": "shtml",
    "text/csv": "csv",
    "text/markdown": "md",
    "text/xml": "xslt",
    "text/css": "css",
    "text/javascript": "jsx",
    "text/x-python": "",
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
    "audio/mp4": "m4a",
    "audio/m4a": "m4a",
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/wave": "wav",
    "audio/ogg": "ogg",
    "audio/opus": "",
    "audio/flac": "flac",
    "audio/x-flac": "flac",
    "audio/aac": "aac",
    "audio/x-aac": "aac",
    "audio/webm": "webm",
    "audio/aiff": "aiff",
    "audio/x-aiff": "aiff",
    "audio/amr": "amr",
    "audio/midi": "mid",
    "audio/x-dsf": "dsf",
    "audio/x-ape": "ape",
    "video/mp4": "mpg4",
    "video/webm": "webm",
    "video/quicktime": "qt",
    "video/x-msvideo": "avi",
    "video/mpeg": "vbk",
    "video/x-matroska": "mkv",
}
"""The endings that the original stores files under, odd ones included: keys stay the same."""

_DATABASE = mimetypes.MimeTypes(())


def told_by_head(head: bytes) -> str | None:
    """Tell the type of a file from its first bytes; None when they show none."""
    for start, offset, middle, mime_type in SIGNATURES:
        if head.startswith(start) and head.startswith(middle, offset):
            return mime_type or None
    if head.startswith(MATROSKA):
        return "video/webm" if b"webm" in head[:64] else "video/x-matroska"
    text = head.lstrip(b"\t\n\x0c\r ").lower()
    if text.startswith(b"<?xml"):
        return "text/xml"
    for tag in HTML_TAGS:
        if text.startswith(tag) and (tag == b"<!--" or text[len(tag) : len(tag) + 1] in (b" ", b">")):
            return "text/html"
    return None


def sniff_mime_type(data: str, *, where: str) -> str:
    """Tell the type of base64 data from its first bytes.

    Raises:
        RequestError: when the data cannot be decoded or its type not be told.
    """
    try:
        head = base64.b64decode(data, validate=True)[:HEAD_BYTES]
    except ValueError as exc:
        raise RequestError(f"{where}: Failed to decode base64 data: {exc}") from exc
    told = told_by_head(head)
    if told is None:
        raise RequestError(f"{where}: No mime type provided and unable to infer from data")
    return told


def guess_mime_type(path: str) -> str:
    """Guess the type of a file that nobody has seen from its address's path."""
    return _DATABASE.guess_type(path)[0] or "application/octet-stream"


def extension_of(mime_type: str) -> str:
    """Return the ending, with its dot, of names of files of a type; empty when none is known."""
    known = EXTENSIONS.get(mime_type)
    if known is None:
        known = (_DATABASE.guess_extension(mime_type.partition(";")[0].strip()) or "").lstrip(".")
    return f".{known}" if known else ""
