"""Tests of `tzproxy.http.errors`: failures in the shapes of both families, and bodies that cannot be read."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from in_process import CHAT, MODEL, TWO_PROVIDERS, StartGateway, delta, native
from tzproxy.errors import NotFoundError, RequestError, TzproxyError
from tzproxy.http.errors import INTERNAL, ErrorShape, decode_body, unexpected
from tzproxy.inference.errors import AllProvidersFailedError, AllRetriesFailedError, AllVariantsFailedError
from tzproxy.providers.errors import ProviderError, client_error, fatal_stream_error, server_error
from tzproxy.types.request import InferenceRequest
from tzproxy.upstream.fake import answer, event_stream

DECODER = msgspec.json.Decoder(InferenceRequest)
BAD_JSON = "Failed to parse the request body as JSON: "


# ---- shapes


def test_plain_shapes() -> None:
    """Native errors are a text, OpenAI's an object with a message; nothing else is in them."""
    error = NotFoundError('Unknown function: "f"')
    assert ErrorShape().native(error) == b'{"error":"Unknown function: \\"f\\""}'
    assert ErrorShape().openai(error) == b'{"error":{"message":"Unknown function: \\"f\\""}}'


def test_structured_shapes() -> None:
    """With `unstable_error_json` the structured form stands beside the text."""
    shape = ErrorShape(with_json=True)
    error = NotFoundError("Unknown function: x")
    structured = {"UnknownFunction": {"name": "x"}}
    assert json.loads(shape.native(error)) == {"error": error.message, "error_json": structured}
    assert json.loads(shape.openai(error)) == {
        "error": {"message": error.message, "error_json": structured, "tensorzero_error_json": structured}
    }


def test_debug_tells_what_was_sent_and_answered() -> None:
    """With `gateway.debug` the raw texts follow a provider's words, wherever these stand; the status goes."""
    refused = client_error("openai", "no", status=401, raw_request="Q", raw_response="A")
    silent = client_error("openai", "gone", raw_request="Q")
    error = AllVariantsFailedError(
        [
            ("v", AllRetriesFailedError([AllProvidersFailedError([("p", refused), ("q", silent)])])),
            ("w", server_error("groq", "bad")),
        ]
    )
    said = (
        "All variants failed with errors: v: All retries failed with errors: "
        "All model providers failed to infer with errors: p: Error{} from openai client: no{}, "
        "q: Error from openai client: gone{}\nw: Error from groq server: bad"
    )
    long = said.format("", "\nRaw request: Q\nRaw response: A", "\nRaw request: Q")
    assert json.loads(ErrorShape(debug=True).native(error)) == {"error": long}
    assert json.loads(ErrorShape(debug=True).openai(error)) == {"error": {"message": long}}
    assert json.loads(ErrorShape().native(error)) == {"error": said.format(" 401 Unauthorized", "", "")}
    broken = fatal_stream_error("openai", "cut", raw_response="A")
    assert ErrorShape(debug=True).text(broken) == (
        "Inference stream closed due to error from openai server: cut\nRaw response: A"
    )


async def test_a_gateway_that_debugs(start: StartGateway) -> None:
    """`gateway.debug` reaches answers, events of streams and the structured form; no header is told."""
    gateway = await start(
        "[gateway]\ndebug = true\nunstable_error_json = true\n" + MODEL + CHAT,
        [answer(b"no", status=401), event_stream([delta(content="a"), b"{}"])],
    )
    reply = (await gateway.infer()).json()
    request = '{"messages":[{"role":"user","content":"Hello"}],"model":"gpt","stream":false}'
    said = f"Error from openai client: no\nRaw request: {request}\nRaw response: no"
    assert reply["error"].endswith(said)
    variant = reply["error_json"]["AllVariantsFailed"]["errors"]["v"]
    (attempt,) = variant["AllModelProvidersFailed"]["provider_errors"].values()
    assert attempt["InferenceClient"]["status_code"] == 401
    assert attempt["InferenceClient"]["raw_request"] == request
    assert b"Bearer" not in json.dumps(reply).encode()
    events = (await gateway.infer(stream=True)).events()
    (failure,) = [event for event in events if "error" in event]
    assert "\nRaw response: {}" in failure["error"]
    assert failure["error_json"]["InferenceServer"]["raw_response"] == "{}"


def test_raw_responses_of_failed_attempts() -> None:
    """On request the providers' own words are added, as far as there are any."""
    said = ProviderError("a", raw_response="body")
    said.origin = ("openai", "chat_completions")
    silent = ProviderError("b")
    silent.origin = ("openai", "chat_completions")
    error = AllProvidersFailedError([("p", said), ("q", silent)])
    entries = [{"provider_type": "openai", "api_type": "chat_completions", "data": "body"}]
    assert json.loads(ErrorShape().native(error, raw=True))["raw_response"] == entries
    assert json.loads(ErrorShape().openai(error, raw=True))["tensorzero_raw_response"] == entries
    assert list(json.loads(ErrorShape().native(silent, raw=True))) == ["error"]
    assert list(json.loads(ErrorShape().native(error))) == ["error"]


def test_bugs_are_logged_and_not_told(caplog: pytest.LogCaptureFixture) -> None:
    """A client hears nothing of a bug; the log has its trace."""
    try:
        raise KeyError("sk-secret-in-a-bug")
    except KeyError as exc:
        error = unexpected(exc)
    assert error is INTERNAL
    assert error.status == 500
    assert "secret" not in error.message
    assert "Traceback" in caplog.text


# ---- bodies that cannot be read


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", BAD_JSON + "EOF while parsing a value at line 1 column 0 (400 Bad Request)"),
        (b"{", BAD_JSON),
        (b"nul", BAD_JSON),
        (b'{"input": {}} {}', BAD_JSON),
        (b"{'input': {}}", BAD_JSON),
        (b"\xef\xbb\xbf{}", BAD_JSON),
        (b"\xff", BAD_JSON),
        (b'{"input": {"system": "\xff"}}', BAD_JSON),
        (b'{"input": {}, "output_schema": {"a": "\xff"}}', BAD_JSON),
        (b'{"input": {"system": "\\ud800"}}', BAD_JSON),
        (b'{"input": {"system": "\x01"}}', BAD_JSON),
        (b'{"input": {}, "output_schema": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", BAD_JSON),
        (
            b'{"input": {"system": {"a": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}}}",
            BAD_JSON,
        ),
        (b"{}", "missing field `input`"),
        (b"[]", "Expected `object`, got `array`"),
        (b"null", "Expected `object`, got `null`"),
        (b'"text"', "Expected `object`, got `str`"),
        (b'{"input": {}, "zz": 1}', "unknown field `zz`"),
        (b'{"input": {"zz": 1}}', "input: unknown field `zz`"),
        (b'{"input": {"messages": [{"role": "user"}]}}', "input.messages[0]: missing field `content`"),
        (
            b'{"input": {"messages": [{"role": 5, "content": ""}]}}',
            "input.messages[0].role: Expected `str`, got `int`",
        ),
        (b'{"input": {}, "tags": {"a": 1}}', "tags[...]: Expected `str`, got `int`"),
        (
            b'{"input": {}, "params": {"chat_completion": {"temperature": "x"}}}',
            "params.chat_completion.temperature: Expected `float | null`, got `str`",
        ),
    ],
)
def test_bad_bodies_are_told_with_their_place(body: bytes, message: str) -> None:
    """Malformed JSON is named as such; a wrong shape has the path of the field before the reason."""
    with pytest.raises(RequestError) as caught:
        decode_body(DECODER, body)
    assert caught.value.status == 400
    if message == BAD_JSON:
        assert caught.value.message.startswith(BAD_JSON)
        assert caught.value.message.endswith(" (400 Bad Request)")
    else:
        assert caught.value.message == message


def test_good_bodies_are_read() -> None:
    """White space, escapes and any language are fine."""
    request = decode_body(DECODER, ' {"input": {"system": "h\\u00e9 é 日本 😀"}}\n'.encode())
    assert request.input.system == "hé é 日本 😀"


BAD_BODIES = [
    b"",
    b"{",
    b"\xff",
    b"[]",
    b"7",
    b'{"model": "\xff", "function_name": "\xff", "metric_name": "\xff", "variants": {"\xff": ""}}',
    b'{"zz": "\xff"}',
    b"[" * 100_000,
    b'{"zz": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
]


@pytest.mark.parametrize(
    "path",
    [
        "/inference",
        "/feedback",
        "/workflow_evaluation_run",
        "/openai/v1/chat/completions",
        "/openai/v1/embeddings",
        "/openai/v1/responses",
        "/anthropic/v1/messages",
    ],
)
@pytest.mark.parametrize("body", BAD_BODIES)
async def test_bad_bodies_over_http(
    start: StartGateway, caplog: pytest.LogCaptureFixture, path: str, body: bytes
) -> None:
    """Whatever is sent, the answer is a 400 in the shape of the route; nothing is logged as a failure."""
    gateway = await start(MODEL + CHAT)
    reply = await gateway.post(path, body)
    assert reply.status == 400
    error = reply.json()["error"]
    assert isinstance(error["message"] if "/v1/" in path else error, str)
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


async def test_counting_tokens_reads_bodies_too(start: StartGateway) -> None:
    """A route that is refused anyway still tells broken bodies from whole ones."""
    gateway = await start()
    for body in BAD_BODIES:
        reply = await gateway.post("/anthropic/v1/messages/count_tokens", body)
        assert reply.status == (501 if body in (b"[]", b"7") else 400), body[:20]


# ---- options, over HTTP


@pytest.mark.parametrize("path", ["/inference", "/openai/v1/chat/completions"])
async def test_failed_requests_bring_raw_responses(start: StartGateway, path: str) -> None:
    """With `include_raw_response` an error has what each provider said, in order, without ids."""
    scripts = [answer(b"from p", status=401)], [answer(b"from q", status=500)]
    gateway = await start(TWO_PROVIDERS + CHAT, *scripts)
    is_openai = "openai" in path
    flag = "tensorzero::include_raw_response" if is_openai else "include_raw_response"
    send = gateway.chat if is_openai else gateway.infer
    reply = await send(**{flag: True})
    assert reply.status == 502
    key = "tensorzero_raw_response" if is_openai else "raw_response"
    assert reply.json()[key] == [
        {"provider_type": "openai", "api_type": "chat_completions", "data": data}
        for data in ("from p", "from q")
    ]


async def test_refused_requests_have_no_raw_responses(start: StartGateway) -> None:
    """When nobody was asked there is nothing raw, whatever the flag says."""
    gateway = await start(MODEL + CHAT)
    reply = await gateway.infer(function_name="zz", include_raw_response=True)
    assert (reply.status, reply.json()) == (404, {"error": "Unknown function: zz"})


async def test_structured_errors_over_http(start: StartGateway) -> None:
    """`gateway.unstable_error_json` reaches both families, events in mid-stream included."""
    events = [delta(content="a"), b"{broken", b"[DONE]"]
    gateway = await start(
        "[gateway]\nunstable_error_json = true\n" + MODEL + CHAT,
        [event_stream(events), event_stream(events)],
    )
    reply = await gateway.infer(function_name="zz")
    assert reply.json()["error_json"] == {"UnknownFunction": {"name": "zz"}}
    reply = await gateway.chat(model="tensorzero::function_name::zz")
    assert reply.json()["error"]["tensorzero_error_json"] == reply.json()["error"]["error_json"]
    found = (await gateway.infer(stream=True)).events()
    (error,) = [event for event in found if "error" in event]
    assert error["error"].endswith(error["error_json"]["InferenceServer"]["message"])
    found = (await gateway.chat(stream=True)).events()
    (error,) = [event["error"] for event in found if "error" in event]
    assert error["tensorzero_error_json"] == error["error_json"]
    assert error["message"].endswith(error["error_json"]["InferenceServer"]["message"])


async def test_debug_does_not_leak(start: StartGateway) -> None:
    """With `gateway.debug` an error may say more, but no credential."""
    gateway = await start(
        "[gateway]\ndebug = true\n" + MODEL.replace('"none"', '"dynamic::k"') + CHAT,
        [answer(b"bad", status=401)],
    )
    reply = await gateway.infer(credentials={"k": "sk-secret"})
    assert reply.status == 502
    assert b"sk-secret" in gateway.network.requests[0]
    assert b"sk-secret" not in reply.body


@pytest.mark.parametrize("is_debug", [False, True])
async def test_refused_data_is_quoted_under_debug_only(start: StartGateway, is_debug: bool) -> None:
    """A schema's complaint shows the client's data when `gateway.debug` is on: it may be private."""
    toml = f"[gateway]\ndebug = {str(is_debug).lower()}\n" + MODEL
    toml += CHAT.replace('type = "chat"\n', 'type = "chat"\nuser_schema = "u.json"\n', 1)
    toml += 'user_template = "u.minijinja"\n'
    gateway = await start(toml, files={"u.json": '{"type": "object", "required": ["a"]}', "u.minijinja": "x"})
    content = [{"type": "text", "arguments": {"secret": "of the client"}}]
    reply = await gateway.infer(input={"messages": [{"role": "user", "content": content}]})
    assert reply.status == 400
    assert ('\n\nData:\n{"secret":"of the client"}' in reply.error) == is_debug


async def test_a_bug_in_a_request_is_not_another_requests(
    start: StartGateway, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An unforeseen failure is a 500 in the family's shape without details; the next request is served."""
    gateway = await start(MODEL + CHAT)
    boom: Any = RuntimeError("secret detail")

    async def fail(*_: object) -> None:
        raise boom

    with monkeypatch.context() as patched:
        patched.setattr("tzproxy.inference.engine.Engine.plan", fail)
        replies = [await gateway.post("/inference", native()), await gateway.chat()]
    assert [reply.status for reply in replies] == [500, 500]
    assert replies[0].json() == {"error": INTERNAL.message}
    assert replies[1].json() == {"error": {"message": INTERNAL.message}}
    assert "secret detail" in caplog.text
    assert (await gateway.infer(function_name="zz")).status == 404


def test_errors_that_carry_no_words() -> None:
    """An error without a message is still an error."""
    assert ErrorShape().native(TzproxyError("")) == b'{"error":""}'
