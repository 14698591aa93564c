"""Forms with files in them. Cold."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from tzproxy._speedups.ids import new_uuid7


class FormPart(Struct, frozen=True, kw_only=True):
    """A field of a form; with `filename` it is a file. No name may hold quotes or line breaks."""

    name: str
    data: bytes
    filename: str | None = None
    content_type: str | None = None


def written_form(parts: Sequence[FormPart]) -> tuple[str, bytes]:
    """Return a form's content type and its bytes."""
    # It cannot be in the data: the id is newer.
    boundary = f"tzproxy-{new_uuid7()}"
    body = bytearray()
    for part in parts:
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{part.name}"'
        if part.filename is not None:
            head += f'; filename="{part.filename}"'
        if part.content_type is not None:
            head += f"\r\nContent-Type: {part.content_type}"
        body += head.encode() + b"\r\n\r\n" + part.data + b"\r\n"
    body += f"--{boundary}--\r\n".encode()
    return f"multipart/form-data; boundary={boundary}", bytes(body)
