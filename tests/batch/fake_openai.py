"""OpenAI's files and batches in memory, in place of what carries requests."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Callable
from typing import Any
from urllib.parse import urlsplit

from tzproxy.errors import UpstreamError
from tzproxy.providers.batches import AnswerHeaders, JobAnswer, JobRefusedError, JobRequest

FILE = re.compile(rb'name="file"; filename="data.jsonl"\r\n[^\r]*\r\n\r\n(.*)\r\n--', re.DOTALL)


def answer_line(custom_id: str, text: str, **fields: Any) -> dict[str, Any]:
    """A line of a result file."""
    body = {
        "id": "c",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 5},
    }
    return {
        "id": "r",
        "custom_id": custom_id,
        "response": {"status_code": 200, "request_id": "q", "body": body},
        "error": None,
        **fields,
    }


class FakeOpenAI:
    """Takes batches. `status` is what it says of all of them; `write` makes their lines of results."""

    def __init__(self) -> None:
        self.requests: list[JobRequest] = []
        self.status = "completed"
        self.refusals: dict[str, tuple[int, bytes] | Exception] = {}
        self.files: dict[str, list[dict[str, Any]]] = {}
        self.batches: dict[str, str] = {}
        self.write: Callable[[dict[str, Any]], dict[str, Any] | None] = self.echo
        self.cancelled: list[str] = []
        self.breaks_off_after: int | None = None
        self.results_of_failed = False
        self.closed = False

    @staticmethod
    def echo(line: dict[str, Any]) -> dict[str, Any] | None:
        """Answer with the last message's text."""
        return answer_line(line["custom_id"], "echo: " + line["body"]["messages"][-1]["content"])

    @property
    def asked(self) -> list[str]:
        """Methods and paths of what it was asked."""
        return [f"{request.method} {urlsplit(request.url).path}" for request in self.requests]

    @property
    def asked_lines(self) -> list[dict[str, Any]]:
        """The lines of the one batch that it took."""
        (lines,) = self.files.values()
        return lines

    async def send(self, request: JobRequest) -> JobAnswer:
        """Answer one request."""
        self.requests.append(request)
        path = urlsplit(request.url).path
        for part, refusal in self.refusals.items():
            if part in f"{request.method} {path}":
                if isinstance(refusal, Exception):
                    raise refusal
                return JobAnswer(status=refusal[0], headers=AnswerHeaders(), body=refusal[1])
        body = self._content(path) if path.endswith("/content") else self._json(request, path)
        return JobAnswer(status=200, headers=AnswerHeaders(), body=body)

    async def lines(self, request: JobRequest) -> AsyncGenerator[bytes]:
        """Answer one request line by line, and break off where it is wanted."""
        answer = await self.send(request)
        if answer.status != 200:
            raise JobRefusedError(answer)
        for number, line in enumerate(answer.body.splitlines()):
            if number == self.breaks_off_after:
                raise UpstreamError("broken off")
            yield line

    async def close(self) -> None:
        """Note it."""
        self.closed = True

    def _json(self, request: JobRequest, path: str) -> bytes:
        if path.endswith("/files"):
            found = FILE.search(request.body)
            assert found, request.body
            name = f"file-{len(self.files)}"
            self.files[name] = [json.loads(line) for line in found[1].splitlines()]
            return json.dumps({"id": name, "object": "file"}).encode()
        if path.endswith("/cancel"):
            name = path.split("/")[-2]
            self.cancelled.append(name)
            return self._batch(name, "cancelling")
        if request.method == "POST":
            name = f"batch-{len(self.batches)}"
            self.batches[name] = json.loads(request.body)["input_file_id"]
            return self._batch(name, "validating")
        return self._batch(path.rpartition("/")[2], self.status)

    def _batch(self, name: str, status: str) -> bytes:
        is_done = status == "completed" or self.results_of_failed
        output = f"out-{self.batches[name]}" if is_done else None
        return json.dumps({"id": name, "status": status, "errors": None, "output_file_id": output}).encode()

    def _content(self, path: str) -> bytes:
        name = path.split("/")[-2].removeprefix("out-")
        written = [self.write(line) for line in self.files[name]]
        return b"".join(json.dumps(line).encode() + b"\n" for line in reversed(written) if line is not None)
