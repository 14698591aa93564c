"""Tests of `tzproxy.optimization.multipart`."""

from __future__ import annotations

import email
import email.policy

from tzproxy.optimization.multipart import FormPart, written_form


def test_forms_are_read_by_others() -> None:
    """A parser of messages finds the fields, in order, with the bytes of each."""
    content_type, body = written_form(
        [
            FormPart(name="purpose", data=b"fine-tune"),
            FormPart(name="file", data=b"\r\n--x\n", filename="d.jsonl", content_type="application/jsonl"),
        ]
    )
    parsed = email.message_from_bytes(
        b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body, policy=email.policy.HTTP
    )
    first, second = parsed.iter_parts()  # type: ignore[attr-defined]
    assert first.get_payload(decode=True) == b"fine-tune"
    assert first["content-disposition"].params["name"] == "purpose"
    assert second.get_payload(decode=True) == b"\r\n--x\n"
    assert second.get_filename() == "d.jsonl"
    assert second.get_content_type() == "application/jsonl"
