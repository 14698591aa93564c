"""OpenAI's files and batches, in memory: a batch is in progress when first asked for, then completed.

Knows no HTTP; chat completions are answered by whoever makes it. What is not asked for soon is forgotten.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Raw, Struct

from tzproxy.mock.render import CREATED, render_error

Complete = Callable[[bytes], tuple[int, bytes]]
"""Answers the body of a chat completion request: a status, and a body."""

MAX_FILES = 64
WINDOW_S = 24 * 3600
_PURPOSE = re.compile(rb'name="purpose"(?:\r\n[^\r\n]+)*\r\n\r\n([^\r\n]*)\r\n')
_FILE = re.compile(rb'name="file"; *filename="([^"\r\n]*)"(?:\r\n[^\r\n]+)*\r\n\r\n(.*?)\r\n--', re.DOTALL)
_CONTENT = re.compile(rb"/v1/files/([^/]+)(/content)?")
_BATCH = re.compile(rb"/v1/batches/([^/]+)(/cancel)?")
_ENCODE = msgspec.json.Encoder().encode


class Line(Struct, frozen=True):
    """A line of a file of requests."""

    custom_id: str
    method: str
    url: str
    body: Raw


class NewBatch(Struct, frozen=True):
    """The request for a batch."""

    input_file_id: str
    endpoint: str
    completion_window: str
    metadata: dict[str, str] | None = None


class StoredFile(Struct, frozen=True):
    """A file."""

    name: str
    purpose: str
    content: bytes


_LINE = msgspec.json.Decoder(Line).decode
_NEW = msgspec.json.Decoder(NewBatch).decode
_ENDED = ("completed", "failed", "cancelled")


class BatchDesk:
    """All files and batches of one mock."""

    def __init__(self, complete: Complete) -> None:
        self._complete = complete
        self._files: dict[str, StoredFile] = {}
        self._batches: dict[str, dict[str, Any]] = {}
        self._made = 0

    @staticmethod
    def serves(path: bytes) -> bool:
        """Tell whether a path is about files or batches."""
        return path in (b"/v1/files", b"/v1/batches") or path.startswith((b"/v1/files/", b"/v1/batches/"))

    def reset(self) -> None:
        """Forget everything."""
        self._files.clear()
        self._batches.clear()
        self._made = 0

    def answer(self, method: bytes, path: bytes, body: bytes) -> tuple[int, bytes]:
        """Answer one request: a status, and a body."""
        if path == b"/v1/files":
            return self._upload(body) if method == b"POST" else _refusal(405, "This path takes POST only")
        if path == b"/v1/batches":
            return self._begin(body) if method == b"POST" else _refusal(405, "This path takes POST only")
        if found := _CONTENT.fullmatch(path):
            return self._file(found[1].decode("latin-1"), whole=found[2] is not None)
        if found := _BATCH.fullmatch(path):
            wanted = b"POST" if found[2] else b"GET"
            if method != wanted:
                return _refusal(405, f"This path takes {wanted.decode()} only")
            return self._batch(found[1].decode("latin-1"), cancels=found[2] is not None)
        return _refusal(404, f"Unknown request URL: {path.decode('latin-1')}")

    def _upload(self, body: bytes) -> tuple[int, bytes]:
        purpose, file = _PURPOSE.search(body), _FILE.search(body)
        if purpose is None or file is None:
            return _refusal(400, "multipart/form-data with `purpose` and `file` is wanted")
        file_id = self._keep(file[1].decode("utf-8", "replace"), purpose[1].decode("latin-1"), file[2])
        return 200, self._file_json(file_id)

    def _begin(self, body: bytes) -> tuple[int, bytes]:
        try:
            new = _NEW(body)
        except msgspec.DecodeError as exc:
            return _refusal(400, str(exc))
        if new.input_file_id not in self._files:
            return _refusal(400, f"No such File object: {new.input_file_id}")
        batch_id = self._name("batch")
        self._batches[batch_id] = {
            "id": batch_id,
            "object": "batch",
            "endpoint": new.endpoint,
            "errors": None,
            "input_file_id": new.input_file_id,
            "completion_window": new.completion_window,
            "status": "validating",
            "output_file_id": None,
            "error_file_id": None,
            "created_at": CREATED,
            "in_progress_at": None,
            "expires_at": CREATED + WINDOW_S,
            "finalizing_at": None,
            "completed_at": None,
            "failed_at": None,
            "expired_at": None,
            "cancelling_at": None,
            "cancelled_at": None,
            "request_counts": {"total": 0, "completed": 0, "failed": 0},
            "metadata": new.metadata,
        }
        _bound(self._batches)
        return 200, _ENCODE(self._batches[batch_id])

    def _batch(self, batch_id: str, *, cancels: bool) -> tuple[int, bytes]:
        batch = self._batches.get(batch_id)
        if batch is None:
            return _refusal(404, f"No batch found with id '{batch_id}'.")
        if batch["status"] in _ENDED:
            pass
        elif cancels:
            batch |= {"status": "cancelled", "cancelling_at": CREATED, "cancelled_at": CREATED}
        elif batch["status"] == "validating":
            batch |= {"status": "in_progress", "in_progress_at": CREATED}
        else:
            self._end(batch)
        return 200, _ENCODE(batch)

    def _end(self, batch: dict[str, Any]) -> None:
        """Answer all lines: what is refused goes into a file of its own, as with OpenAI."""
        file = self._files.get(batch["input_file_id"])
        outputs: list[bytes] = []
        errors: list[bytes] = []
        for number, raw in enumerate(file.content.splitlines() if file is not None else (), 1):
            if not raw.strip():
                continue
            try:
                line = _LINE(raw)
            except msgspec.DecodeError as exc:
                error = {"code": "invalid_json_line", "message": str(exc), "param": None, "line": number}
                batch |= {
                    "status": "failed",
                    "failed_at": CREATED,
                    "errors": {"object": "list", "data": [error]},
                }
                return
            status, body = self._complete(bytes(line.body))
            response = {"status_code": status, "request_id": f"req_mock_{number}", "body": Raw(body)}
            written = {
                "id": f"batch_req_mock_{number}",
                "custom_id": line.custom_id,
                "response": response,
                "error": None,
            }
            (outputs if status == 200 else errors).append(_ENCODE(written))
        batch |= {
            "status": "completed",
            "finalizing_at": CREATED,
            "completed_at": CREATED,
            "output_file_id": self._written(batch["id"], "output", outputs),
            "error_file_id": self._written(batch["id"], "error", errors),
            "request_counts": {
                "total": len(outputs) + len(errors),
                "completed": len(outputs),
                "failed": len(errors),
            },
        }

    def _written(self, batch_id: str, kind: str, lines: list[bytes]) -> str | None:
        if not lines:
            return None
        return self._keep(f"{batch_id}_{kind}.jsonl", "batch_output", b"\n".join(lines) + b"\n")

    def _file(self, file_id: str, *, whole: bool) -> tuple[int, bytes]:
        file = self._files.get(file_id)
        if file is None:
            return _refusal(404, f"No such File object: {file_id}")
        return 200, file.content if whole else self._file_json(file_id)

    def _file_json(self, file_id: str) -> bytes:
        file = self._files[file_id]
        return _ENCODE(
            {
                "id": file_id,
                "object": "file",
                "bytes": len(file.content),
                "created_at": CREATED,
                "filename": file.name,
                "purpose": file.purpose,
                "status": "processed",
            }
        )

    def _keep(self, name: str, purpose: str, content: bytes) -> str:
        file_id = self._name("file")
        self._files[file_id] = StoredFile(name, purpose, content)
        _bound(self._files)
        return file_id

    def _name(self, kind: str) -> str:
        self._made += 1
        return f"file-mock-{self._made}" if kind == "file" else f"batch_mock_{self._made}"


def _bound(kept: dict[str, Any]) -> None:
    while len(kept) > MAX_FILES:
        del kept[next(iter(kept))]


def _refusal(status: int, message: str) -> tuple[int, bytes]:
    return status, render_error(status, message)
