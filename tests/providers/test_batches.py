"""Tests of `tzproxy.providers.batches`: exchanges, and files of results read line by line."""

from __future__ import annotations

import asyncio
import json
import logging

import pytest

from tzproxy.errors import UpstreamTimeoutError
from tzproxy.providers.batches import (
    LINES_AT_ONCE,
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


async def test_lines_in_any_order() -> None:
    """Empty lines and a missing last line end do not count."""
    found = await read_results(SPEC, b'"b"\n\n"a"\r\n  "c"', "f", read)
    assert [one.inference_id for one in found] == ["b", "a", "c"]
    assert await read_results(SPEC, b"\n \n", "f", read) == []


async def test_lines_that_cannot_be_used(caplog: pytest.LogCaptureFixture) -> None:
    """They are logged and left out, whether broken or bad."""
    with caplog.at_level(logging.WARNING):
        found = await read_results(SPEC, b'{\n"a"\n"bad"\n', "f", read)
    assert [one.inference_id for one in found] == ["a"]
    assert len(caplog.messages) == 2
    assert caplog.messages[1] == "A line of the batch results file f is left out: bad line"


async def test_no_line_can_be_used() -> None:
    """Then the file is unusable."""
    with pytest.raises(UnusableResultsError) as caught:
        await read_results(SPEC, b'"bad"\n{\n', "f", read)
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
    await read_results(SPEC, b'"a"\n' * (LINES_AT_ONCE * 5), "f", read)
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
