"""Tests of `tzproxy.providers.batches`: exchanges, and files of results read line by line."""

from __future__ import annotations

import asyncio
import json
import logging

import pytest

from tzproxy.errors import UpstreamTimeoutError
from tzproxy.providers.batches import (
    BAD_LINES_TOLD,
    LINES_AT_ONCE,
    RESULT_BYTES_AT_ONCE,
    RESULTS_AT_ONCE,
    AnswerHeaders,
    BatchResult,
    JobRequest,
    UnusableResultsError,
    exchanged,
    headers_without_type,
    read_results,
)
from tzproxy.providers.errors import ProviderError
from tzproxy.providers.protocol import ProviderSpec
from tzproxy.types.model import ProviderResponse
from tzproxy.types.usage import NO_USAGE
from tzproxy.upstream import HeaderBlock

from .job_script import JobScript

SPEC = ProviderSpec(type="t", display="T", request_id_header="x-request-id")
REQUEST = JobRequest(method="GET", url="https://user:secret@h/x", headers=(("authorization", "sk"),))


def read(line: bytes) -> BatchResult:
    """Read a line that is a JSON text, the inference's id; `bad` is a failure of the provider."""
    name = json.loads(line)
    if name == "bad":
        raise ProviderError("bad line")
    return BatchResult(
        inference_id=name, response=ProviderResponse(output=[], usage=NO_USAGE), raw_response=""
    )


async def test_refusals_and_silence_are_the_providers() -> None:
    """A bad status and no answer become errors in the provider's words."""
    with pytest.raises(ProviderError) as caught:
        await exchanged(JobScript((429, b"slow down")), SPEC, REQUEST)
    text = "Error 429 Too Many Requests from t client: slow down [request_id: r1]"
    assert (caught.value.message, caught.value.raw_response) == (text, "slow down")
    with pytest.raises(ProviderError, match="global_outbound_http_timeout_ms"):
        await exchanged(JobScript(UpstreamTimeoutError("late")), SPEC, REQUEST)
    assert await exchanged(JobScript((204, b"")), SPEC, REQUEST) == b""


async def names(body: bytes) -> list[str]:
    """The inferences of a file, in its order."""
    parts = read_results(JobScript(body), SPEC, REQUEST, "f", read)
    return [one.inference_id async for part in parts for one in part]


async def test_parts() -> None:
    """A file comes in parts of so many results, or of so many bytes."""
    body = b"\n".join(json.dumps(f"{number}").encode() for number in range(RESULTS_AT_ONCE + 1))
    parts = [len(part) async for part in read_results(JobScript(body), SPEC, REQUEST, "f", read)]
    assert parts == [RESULTS_AT_ONCE, 1]
    body = b"\n".join([json.dumps("x" * (RESULT_BYTES_AT_ONCE // 2)).encode()] * 3)
    parts = [len(part) async for part in read_results(JobScript(body), SPEC, REQUEST, "f", read)]
    assert parts == [2, 1]


async def test_files_that_are_not_there() -> None:
    """A refusal and a broken connection are told in the provider's words."""
    for answer, text in (((404, b"gone"), "gone"), (UpstreamTimeoutError("late"), "outbound_http_timeout")):
        with pytest.raises(ProviderError, match=text):
            async for _ in read_results(JobScript(answer), SPEC, REQUEST, "f", read):
                raise AssertionError("nothing can be read")


async def test_many_bad_lines(caplog: pytest.LogCaptureFixture) -> None:
    """Some are told of, and how many there were: a log is no place for a whole file."""
    with caplog.at_level(logging.WARNING):
        await names(b'"a"\n' + b"{\n" * (BAD_LINES_TOLD + 5))
    assert len(caplog.messages) == BAD_LINES_TOLD + 1
    assert caplog.messages[-1] == "25 lines of the batch results file f are left out"


async def test_lines_in_any_order() -> None:
    """Empty lines and a missing last line end do not count."""
    assert await names(b'"b"\n\n"a"\r\n  "c"') == ["b", "a", "c"]
    assert await names(b"\n \n") == []


async def test_lines_that_cannot_be_used(caplog: pytest.LogCaptureFixture) -> None:
    """They are logged and left out, whether broken or bad."""
    with caplog.at_level(logging.WARNING):
        assert await names(b'{\n"a"\n"bad"\n') == ["a"]
    assert len(caplog.messages) == 2
    assert caplog.messages[1] == "A line of the batch results file f is left out: bad line"


async def test_no_line_can_be_used() -> None:
    """Then the file is unusable."""
    with pytest.raises(UnusableResultsError) as caught:
        await names(b'"bad"\n{\n')
    assert caught.value.message == ("Error from t server: All 2 rows failed to parse in batch results file f")


async def test_others_get_their_turn() -> None:
    """A long file is read in parts."""
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.ensure_future(others())
    await names(b'"a"\n' * (LINES_AT_ONCE * 5))
    task.cancel()
    assert turns >= 5


def test_headers() -> None:
    """Names are found in any case; a content type can be left out."""
    assert AnswerHeaders([("X-A", "1")]).get("x-a") == "1"
    assert AnswerHeaders().get("x-a") is None
    block = HeaderBlock.of((("Content-Type", "a/b"), ("authorization", "k")))
    assert headers_without_type(block) == (("authorization", "k"),)


def test_a_request_hides_its_secrets() -> None:
    """Neither headers nor a password in the address are shown."""
    assert repr(REQUEST) == "JobRequest(GET https://h/x)"
