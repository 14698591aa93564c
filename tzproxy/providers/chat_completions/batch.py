"""OpenAI's batch API: a file of requests, a batch over it, a file of answers. Cold.

Source: OpenAI API reference, files and batches; the wire of TensorZero 2026.6.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType, structs

from tzproxy.providers.batches import (
    NO_ANSWER_HEADERS,
    BatchResult,
    JobRequest,
    Jobs,
    ModelNames,
    PolledBatch,
    SubmittedBatch,
    exchange,
    exchanged,
    headers_without_type,
    read_results,
    written,
)
from tzproxy.providers.chat_completions.provider import ChatBodies
from tzproxy.providers.chat_completions.response import parse_response
from tzproxy.providers.chat_completions.row import ChatRow
from tzproxy.providers.credentials import RequestHeaders
from tzproxy.providers.driving import error_response
from tzproxy.providers.errors import ProviderError, server_error
from tzproxy.providers.files import has_data, stored_body
from tzproxy.providers.unreadable import UNREADABLE, reason_for
from tzproxy.providers.urls import encoded, join_url, without_userinfo
from tzproxy.types.model import ModelRequest
from tzproxy.types.params import shortest_floats
from tzproxy.upstream import HeaderBlock

_T = TypeVar("_T")

ENDPOINT = "/v1/chat/completions"
WINDOW = "24h"
PENDING = frozenset({"validating", "in_progress", "finalizing", "cancelling"})
BROKEN_OFF = frozenset({"expired", "cancelled"})
"""Ends before all requests were answered. What was answered until then is paid for, and in the file."""


class Line(Struct, frozen=True):
    """A line of the file of requests."""

    custom_id: str
    method: str
    url: str
    body: Raw


class NewBatch(Struct, frozen=True):
    """The request for a batch."""

    input_file_id: str
    endpoint: str
    completion_window: str


class BatchParams(Struct, frozen=True):
    """What is kept of a batch."""

    file_id: str
    batch_id: str


class FileIn(Struct):
    """An uploaded file."""

    id: str


class BatchErrorsIn(Struct):
    """What is wrong with a batch."""

    data: list[Raw] = []


class BatchIn(Struct):
    """A batch."""

    id: str
    status: str
    errors: BatchErrorsIn | None = None
    output_file_id: str | None = None
    error_file_id: str | None = None


class AnswerIn(Struct):
    """The answer to one request."""

    body: Raw


class LineIn(Struct):
    """A line of the file of answers."""

    custom_id: str
    response: AnswerIn | None = None
    error: Raw | UnsetType = UNSET


_ENCODE = msgspec.json.Encoder().encode
_FILE = msgspec.json.Decoder(FileIn).decode
_BATCH = msgspec.json.Decoder(BatchIn).decode
_LINE = msgspec.json.Decoder(LineIn).decode
_PARAMS = msgspec.json.Decoder(BatchParams).decode


class OpenAIBatch:
    """The batch API beside one configured model."""

    def __init__(self, row: ChatRow, bodies: ChatBodies, *, base: str, headers: RequestHeaders) -> None:
        """Prepare.

        Args:
            row: the service.
            bodies: writes requests as they would be sent one by one.
            base: URL that the paths of the API follow.
            headers: makes the headers.
        """
        self._row = row
        self._bodies = bodies
        self._base = base
        self._headers = headers

    async def submit(
        self, requests: Sequence[ModelRequest], *, batch_id: str, credentials: Mapping[str, str], jobs: Jobs
    ) -> SubmittedBatch:
        """Upload the requests and begin a batch over them.

        Raises:
            ProviderError: when a request cannot be expressed, or the service refuses.
        """
        spec = self._row.spec
        headers = self._headers.resolve(credentials)
        bodies = await written(requests, self._body)
        lines = b"".join(
            _ENCODE(Line(request.inference_id, "POST", ENDPOINT, Raw(body))) + b"\n"
            for request, body in zip(requests, bodies, strict=True)
        )
        uploaded = await exchanged(jobs, spec, self._upload(lines, batch_id, headers))
        file_id = self._decoded(_FILE, uploaded).id
        order = _ENCODE(NewBatch(file_id, ENDPOINT, WINDOW))
        answer = await exchanged(
            jobs,
            spec,
            JobRequest(method="POST", url=join_url(self._base, "batches"), headers=headers.pairs, body=order),
        )
        batch = self._decoded(_BATCH, answer)
        return SubmittedBatch(
            params=_ENCODE(BatchParams(file_id, batch.id)).decode(),
            raw_requests=[
                stored_body(body, request.messages) if has_data(request.messages) else body.decode()
                for request, body in zip(requests, bodies, strict=True)
            ],
            raw_request=order.decode(),
            raw_response=answer.decode(errors="replace"),
            errors=[bytes(error).decode() for error in batch.errors.data] if batch.errors else (),
        )

    async def poll(self, params: str, *, names: ModelNames, jobs: Jobs) -> PolledBatch:
        """Ask for the batch, and for its file of answers when it is completed.

        Raises:
            ProviderError: when the service cannot be asked, refuses, or says what nobody understands.
        """
        spec = self._row.spec
        headers = headers_without_type(self._headers.resolve({}))
        url = join_url(self._base, f"batches/{encoded(self._decoded(_PARAMS, params.encode()).batch_id)}")
        answer = await exchange(jobs, spec, JobRequest(method="GET", url=url, headers=headers))
        text = answer.body.decode(errors="replace")
        url = without_userinfo(url)
        if answer.status == 404:
            # Somebody has deleted it.
            return PolledBatch(status="failed", raw_request=url, raw_response=text)
        if not 200 <= answer.status < 300:
            raise error_response(spec, answer.status, answer.headers, answer.body, raw_request=None)
        batch = self._decoded(_BATCH, answer.body)
        if batch.status in PENDING:
            return PolledBatch(status="pending", raw_request=url, raw_response=text)
        if batch.status != "completed" and batch.status not in BROKEN_OFF and batch.status != "failed":
            raise server_error(spec.type, f"Unknown batch status: {batch.status}", raw_response=text)
        if batch.output_file_id is None or batch.status == "failed":
            if batch.status == "completed" and batch.error_file_id is None:
                raise server_error(spec.type, "Output file ID is missing", raw_response=text)
            return PolledBatch(status="failed", raw_request=url, raw_response=text)
        file_id = batch.output_file_id
        content = join_url(self._base, f"files/{encoded(file_id)}/content")
        wanted = JobRequest(method="GET", url=content, headers=headers)
        results = read_results(jobs, spec, wanted, file_id, self._result)
        return PolledBatch(status="completed", raw_request=url, raw_response=text, results=results)

    async def cancel(self, params: str, *, credentials: Mapping[str, str], jobs: Jobs) -> None:
        """Call a batch off.

        Raises:
            ProviderError: when the service cannot be asked, or refuses.
        """
        batch_id = encoded(self._decoded(_PARAMS, params.encode()).batch_id)
        url = join_url(self._base, f"batches/{batch_id}/cancel")
        headers = self._headers.resolve(credentials)
        await exchanged(
            jobs, self._row.spec, JobRequest(method="POST", url=url, headers=headers.pairs, body=b"{}")
        )

    def _body(self, request: ModelRequest) -> bytes:
        # SPEC: floats are not widened here, unlike in single requests.
        return self._bodies.write(structs.replace(request, params=shortest_floats(request.params)))

    def _upload(self, lines: bytes, batch_id: str, headers: HeaderBlock) -> JobRequest:
        # The boundary cannot be in the lines: the id is as new as they are.
        boundary = f"tzproxy-{batch_id}"
        body = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="data.jsonl"\r\n'
            "Content-Type: application/json\r\n\r\n"
        ).encode()
        content_type = ("content-type", f"multipart/form-data; boundary={boundary}")
        return JobRequest(
            method="POST",
            url=join_url(self._base, "files"),
            headers=(content_type, *headers_without_type(headers)),
            body=b"%b%b\r\n--%b--\r\n" % (body, lines.rstrip(b"\n"), boundary.encode()),
        )

    def _result(self, raw: bytes) -> BatchResult:
        line = _LINE(raw)
        if line.response is None:
            raise ValueError(f"inference {line.custom_id}: {_told(line)}")
        body = bytes(line.response.body)
        try:
            response = parse_response(self._row, body, NO_ANSWER_HEADERS)
        except ProviderError as exc:
            raise ValueError(f"inference {line.custom_id}: {exc.message}") from exc
        return BatchResult(inference_id=line.custom_id, response=response, raw_response=body.decode())

    def _decoded(self, decode: Callable[[bytes], _T], body: bytes) -> _T:
        try:
            return decode(body)
        except UNREADABLE as exc:
            text = body.decode("utf-8", "replace")
            message = f"Error parsing JSON response: {reason_for(exc)}"
            raise server_error(self._row.spec.type, message, raw_response=text) from exc


def _told(line: LineIn) -> str:
    return "no response" if line.error is UNSET else bytes(line.error).decode(errors="replace")
