"""Tests of OpenAI's batch API: bytes sent, lines read."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
import pytest

from tzproxy.config.credentials import Credential, DynamicCredential
from tzproxy.config.providers import OpenAIProviderConfig
from tzproxy.errors import UpstreamConnectError
from tzproxy.providers.batches import (
    BatchResult,
    ModelNames,
    PolledBatch,
    SubmittedBatch,
    UnusableResultsError,
)
from tzproxy.providers.chat_completions.build import build_openai_batch
from tzproxy.providers.errors import ProviderError
from tzproxy.types.content import File, Text, ToolCall
from tzproxy.types.model import ModelRequest
from tzproxy.types.params import ChatParams, merge_params
from tzproxy.types.usage import Usage

from ..job_script import JobScript, Scripted
from ..samples import KEY, user

BATCH_ID = "019d2b67-0001-7000-8000-0000000000b1"
FILE: Scripted = {"id": "file-1", "object": "file"}
BATCH: dict[str, Any] = {"id": "batch_1", "status": "validating", "errors": None}
PARAMS = '{"file_id":"file-1","batch_id":"batch_1"}'
NAMES = ModelNames("m", "p")


def asked(name: str, *texts: str, **params: Any) -> ModelRequest:
    """A request."""
    blocks = [Text(text) for text in texts or ("Hi",)]
    widened = merge_params(ChatParams(**params), ChatParams())
    return ModelRequest(inference_id=name, messages=[user(*blocks)], params=widened)


async def submit(
    script: JobScript, *requests: ModelRequest, credential: Credential = KEY, **config: Any
) -> SubmittedBatch:
    """Hand requests over."""
    api = build_openai_batch(OpenAIProviderConfig(model_name="gpt-4o-mini", **config), credential)
    return await api.submit(requests, batch_id=BATCH_ID, credentials={"k": "sk-dynamic"}, jobs=script)


async def poll(*answers: Scripted) -> PolledBatch:
    """Ask for a batch."""
    api = build_openai_batch(OpenAIProviderConfig(model_name="gpt-4o-mini"), KEY)
    return await api.poll(PARAMS, names=NAMES, jobs=JobScript(*answers))


async def test_bytes_of_a_submission() -> None:
    """A multipart file of lines, then a batch over it; floats are not widened."""
    script = JobScript(FILE, BATCH)
    done = await submit(script, asked("i1", temperature=0.2, max_tokens=50), asked("i2", "Ho"))
    upload, order = script.requests
    assert (upload.method, upload.url) == ("POST", "https://api.openai.com/v1/files")
    headers = dict(upload.headers)
    assert headers["authorization"] == "Bearer sk-test"
    boundary = re.fullmatch(r"multipart/form-data; boundary=(\S+)", headers["content-type"])
    assert boundary
    lines = (
        b'{"custom_id":"i1","method":"POST","url":"/v1/chat/completions","body":{"messages":[{"role":"user",'
        b'"content":"Hi"}],"model":"gpt-4o-mini","temperature":0.2,"max_completion_tokens":50,"stream":false}}'
        b"\n"
        b'{"custom_id":"i2","method":"POST","url":"/v1/chat/completions","body":{"messages":[{"role":"user",'
        b'"content":"Ho"}],"model":"gpt-4o-mini","stream":false}}'
    )
    mark = boundary[1].encode()
    assert upload.body == (
        b"--" + mark + b'\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
        b"--" + mark + b'\r\nContent-Disposition: form-data; name="file"; filename="data.jsonl"\r\n'
        b"Content-Type: application/json\r\n\r\n" + lines + b"\r\n--" + mark + b"--\r\n"
    )
    assert (order.method, order.url) == ("POST", "https://api.openai.com/v1/batches")
    assert order.body == (
        b'{"input_file_id":"file-1","endpoint":"/v1/chat/completions","completion_window":"24h"}'
    )
    assert dict(order.headers) == {"content-type": "application/json", "authorization": "Bearer sk-test"}
    assert done.params == PARAMS
    assert done.raw_request == order.body.decode()
    assert json.loads(done.raw_response) == BATCH
    assert [json.loads(text) for text in done.raw_requests] == [
        json.loads(line)["body"] for line in lines.splitlines()
    ]


async def test_another_place_and_a_key_of_the_request() -> None:
    """The API is below `api_base`, whichever API serves single requests."""
    script = JobScript(FILE, BATCH)
    await submit(
        script,
        asked("i"),
        credential=DynamicCredential("k"),
        api_base="http://h:1/openai/v1",
        api_type="responses",
    )
    assert [request.url for request in script.requests] == [
        "http://h:1/openai/v1/files",
        "http://h:1/openai/v1/batches",
    ]
    assert ("authorization", "Bearer sk-dynamic") in script.requests[0].headers
    assert b'"messages"' in script.requests[0].body


async def test_files_are_sent_and_not_kept() -> None:
    """The bytes of a file are in the upload alone."""
    script = JobScript(FILE, BATCH)
    image = File(data="QUJD", mime_type="image/png")
    done = await submit(script, ModelRequest(inference_id="i", messages=[user(image)]))
    assert b"QUJD" in script.requests[0].body
    assert "QUJD" not in done.raw_requests[0]
    assert "<TENSORZERO_FILE_0>" in done.raw_requests[0]


async def test_errors_that_come_with_a_batch() -> None:
    """They are kept as they are."""
    error = {"code": "x", "message": "m", "param": None, "line": 1}
    done = await submit(JobScript(FILE, {**BATCH, "errors": {"data": [error]}}), asked("i"))
    assert [json.loads(text) for text in done.errors] == [error]


@pytest.mark.parametrize(
    ("answers", "text"),
    [
        (((401, b"no key"),), "Error 401 Unauthorized from openai client: no key"),
        ((FILE, (500, b"down")), "Error from openai server: down"),
        ((b"<html>",), "Error from openai server: Error parsing JSON response: "),
        ((FILE, {"id": "b"}), "missing field `status`"),
        ((UpstreamConnectError("away"),), "Error from openai client: Error sending request: away"),
    ],
)
async def test_refused_submissions(answers: tuple[Scripted, ...], text: str) -> None:
    """Each step may fail, in the provider's words."""
    with pytest.raises(ProviderError) as caught:
        await submit(JobScript(*answers), asked("i"))
    assert text in caught.value.message


@pytest.mark.parametrize(
    ("status", "said"),
    [
        *((status, "pending") for status in ("validating", "in_progress", "finalizing", "cancelling")),
        *((status, "failed") for status in ("failed", "expired", "cancelled")),
    ],
)
async def test_states(status: str, said: str) -> None:
    """What OpenAI calls a state is one of ours."""
    found = await poll({**BATCH, "status": status, "output_file_id": None})
    assert (found.status, found.results) == (said, None)
    assert found.raw_request == "https://api.openai.com/v1/batches/batch_1"
    assert json.loads(found.raw_response)["status"] == status


def line(name: str, **message: Any) -> bytes:
    """A line of results."""
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": "stop"}
    body = {"choices": [choice], "usage": {"prompt_tokens": 8, "completion_tokens": 2}}
    response = {"status_code": 200, "request_id": "r1", "body": body}
    return json.dumps({"id": "x", "custom_id": name, "response": response, "error": None}).encode()


COMPLETED = {**BATCH, "status": "completed", "output_file_id": "file-2", "error_file_id": "file-3"}


async def results_of(found: PolledBatch) -> list[BatchResult]:
    """Fetch the results."""
    assert found.results is not None
    return [one async for part in found.results for one in part]


async def test_results() -> None:
    """Lines come in any order; errors and broken lines are left out."""
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    refused = {
        "custom_id": "refused",
        "response": {"status_code": 400, "body": {"error": {"message": "bad"}}},
        "error": None,
    }
    lost = {"custom_id": "lost", "response": None, "error": {"code": "batch_expired"}}
    lines = [
        line("b", content=None, tool_calls=[call]),
        json.dumps(refused).encode(),
        b"{broken",
        json.dumps(lost).encode(),
        line("a", content="Hello"),
    ]
    script = JobScript(COMPLETED, b"\n".join(lines))
    api = build_openai_batch(OpenAIProviderConfig(model_name="m"), KEY)
    found = await api.poll(PARAMS, names=NAMES, jobs=script)
    second, first = await results_of(found)
    assert [(request.method, request.url) for request in script.requests] == [
        ("GET", "https://api.openai.com/v1/batches/batch_1"),
        ("GET", "https://api.openai.com/v1/files/file-2/content"),
    ]
    assert all(request.headers == (("authorization", "Bearer sk-test"),) for request in script.requests)
    assert found.status == "completed"
    assert (second.inference_id, first.inference_id) == ("b", "a")
    assert first.response.output == [Text("Hello")]
    assert (first.response.usage, first.response.finish_reason) == (Usage(8, 2), "stop")
    assert json.loads(first.raw_response) == json.loads(line("a", content="Hello"))["response"]["body"]
    assert second.response.output == [ToolCall("c", "f", "{}")]


async def test_a_batch_without_answers() -> None:
    """Only a file of errors: it has failed. Neither file: nobody knows."""
    found = await poll({**COMPLETED, "output_file_id": None})
    assert found.status == "failed"
    with pytest.raises(ProviderError, match="Output file ID is missing"):
        await poll({**COMPLETED, "output_file_id": None, "error_file_id": None})
    assert await results_of(await poll(COMPLETED, b"")) == []
    with pytest.raises(UnusableResultsError, match="All 1 rows failed to parse in batch results file file-2"):
        await results_of(await poll(COMPLETED, b"{}"))
    with pytest.raises(ProviderError, match="no such file"):
        await results_of(await poll(COMPLETED, (404, b"no such file")))


@pytest.mark.parametrize("status", ["expired", "cancelled"])
async def test_a_batch_that_broke_off(status: str) -> None:
    """What was answered until then is paid for, and there."""
    found = await poll({**COMPLETED, "status": status}, line("a", content="Hello"))
    assert found.status == "completed"
    (one,) = await results_of(found)
    assert one.inference_id == "a"


async def test_a_batch_is_called_off() -> None:
    """It is taken back with the key that handed it over; a refusal is an error."""
    api = build_openai_batch(OpenAIProviderConfig(model_name="m"), KEY)
    script = JobScript({**BATCH, "status": "cancelling"}, (409, b"too late"))
    await api.cancel(PARAMS, credentials={}, jobs=script)
    (request,) = script.requests
    assert (request.method, request.url) == ("POST", "https://api.openai.com/v1/batches/batch_1/cancel")
    assert ("authorization", "Bearer sk-test") in request.headers
    with pytest.raises(ProviderError, match="too late"):
        await api.cancel(PARAMS, credentials={}, jobs=script)


async def test_a_deleted_batch() -> None:
    """It has failed."""
    found = await poll((404, b'{"error":{}}'))
    assert (found.status, found.raw_response) == ("failed", '{"error":{}}')


@pytest.mark.parametrize(
    ("answers", "text"),
    [
        (((500, b"down"),), "Error from openai server: down"),
        (((401, b"no"),), "Error 401 Unauthorized from openai client: no"),
        ((b"<html>",), "Error parsing JSON response"),
        (({**BATCH, "status": "dreaming"},), "Unknown batch status: dreaming"),
        ((UpstreamConnectError("away"),), "away"),
    ],
)
async def test_questions_without_an_answer(answers: tuple[Scripted, ...], text: str) -> None:
    """Whatever may pass is an error, not a state."""
    with pytest.raises(ProviderError, match=re.escape(text)):
        await poll(*answers)


async def test_a_batch_of_somebody_else() -> None:
    """What was kept of it says nothing here."""
    with pytest.raises(ProviderError, match="missing field"):
        await build_openai_batch(OpenAIProviderConfig(model_name="m"), KEY).poll(
            "{}", names=ModelNames("m", "p"), jobs=JobScript()
        )


async def test_a_key_that_is_not_here_any_more() -> None:
    """Dynamic credentials come with requests, and this is none."""
    config = OpenAIProviderConfig(model_name="m")
    api = build_openai_batch(config, DynamicCredential("k"))
    with pytest.raises(ProviderError) as caught:
        await api.poll(PARAMS, names=NAMES, jobs=JobScript())
    assert caught.value.status == 400
    assert caught.value.message.startswith("API key missing for provider OpenAI")


async def test_an_address_with_a_password() -> None:
    """What is stored as the request names neither user nor password."""
    config = OpenAIProviderConfig(model_name="m", api_base="https://user:secret@h/v1/")
    found = await build_openai_batch(config, KEY).poll(PARAMS, names=NAMES, jobs=JobScript(BATCH))
    assert found.raw_request == "https://h/v1/batches/batch_1"


def test_an_address_that_is_none() -> None:
    """It is found at start."""
    with pytest.raises(ValueError, match="URL"):
        build_openai_batch(OpenAIProviderConfig(model_name="m", api_base="nonsense"), KEY)
    with pytest.raises(msgspec.DecodeError):
        msgspec.json.decode(b"")
