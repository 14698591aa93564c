"""Tests of `tzproxy.inference.extra`: pointers, headers, filters and the order of levels."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from in_process import CHAT, MODEL, TWO_PROVIDERS, StartGateway, completion, streamed
from tzproxy.inference.extra import (
    NO_CHANGES,
    BodyChange,
    Changes,
    HeaderChange,
    changed_body,
    changed_headers,
    matching,
)
from tzproxy.providers.errors import ProviderError
from tzproxy.types.request import ExtraBody, ExtraHeader
from tzproxy.upstream import HeaderBlock
from tzproxy.upstream.fake import answer

BODY = {"a": {"b": [1, {"c": 2}]}, "s": "text", "x/y": 1, "m~n": 2, "": 3}


def write(pointer: str, value: object = "new") -> object:
    """Write at a pointer of the body."""
    return json.loads(changed_body(json.dumps(BODY).encode(), [BodyChange(pointer, value)]))


def delete(pointer: str) -> object:
    """Delete at a pointer of the body."""
    return json.loads(changed_body(json.dumps(BODY).encode(), [BodyChange(pointer, delete=True)]))


@pytest.mark.parametrize(
    ("pointer", "expected"),
    [
        ("/z", {**BODY, "z": "new"}),
        ("/s", {**BODY, "s": "new"}),
        ("/a", {**BODY, "a": "new"}),
        ("/a/z", {**BODY, "a": {**BODY["a"], "z": "new"}}),  # type: ignore[dict-item]
        ("/p/q/r", {**BODY, "p": {"q": {"r": "new"}}}),
        ("/a/b/0", {**BODY, "a": {"b": ["new", {"c": 2}]}}),
        ("/a/b/1/c", {**BODY, "a": {"b": [1, {"c": "new"}]}}),
        ("/a/b/1/d", {**BODY, "a": {"b": [1, {"c": 2, "d": "new"}]}}),
        ("/a/b/-", {**BODY, "a": {"b": [1, {"c": 2}, "new"]}}),
        ("/a/-", {**BODY, "a": {**BODY["a"], "-": "new"}}),  # type: ignore[dict-item]
        ("/stop/-", {**BODY, "stop": {"-": "new"}}),
        ("/a/01", {**BODY, "a": {**BODY["a"], "01": "new"}}),  # type: ignore[dict-item]
        ("/p/01", {**BODY, "p": {"01": "new"}}),
        ("/a/0", {**BODY, "a": {**BODY["a"], "0": "new"}}),  # type: ignore[dict-item]
        ("/x~1y", {**BODY, "x/y": "new"}),
        ("/m~0n", {**BODY, "m~n": "new"}),
        ("/~01", {**BODY, "~1": "new"}),
    ],
)
def test_writes(pointer: str, expected: object) -> None:
    """Missing objects are made, existing values replaced, arrays changed in place or appended to."""
    assert write(pointer) == expected


@pytest.mark.parametrize(
    ("pointer", "reason"),
    [
        ("", "Pointer cannot be empty"),
        ("a", "Pointer must start with '/'"),
        ("/a/", "Pointer cannot end with '/'"),
        ("/", "Pointer cannot end with '/'"),
        ("/a/b/2", "Could not find array index 2 in target array (len 2)"),
        ("/a/b/x", "Could not find array index x in target array (len 2)"),
        ("/a/b/01", "Could not find array index 01 in target array (len 2)"),
        ("/a/b/-1", "Could not find array index -1 in target array (len 2)"),
        ("/a/b/-/c", "Array append operator `-` can only be used at the end of a pointer"),
        ("/s/x", 'Can only index into object or array - found target "text"'),
        ("/a/b/0/x", "Can only index into object or array - found target 1"),
        (
            "/p/0",
            "TensorZero doesn't support pointing an index (0) if its container doesn't exist.",
        ),
    ],
)
def test_pointers_that_lead_nowhere(pointer: str, reason: str) -> None:
    """A pointer that does not fit the body is an error that names both."""
    with pytest.raises(ProviderError) as caught:
        write(pointer)
    assert caught.value.message == f"Error replacing extra body: `{reason}` with pointer: `{pointer}`"
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("pointer", "expected"),
    [
        ("/s", {key: value for key, value in BODY.items() if key != "s"}),
        ("/a/b", {**BODY, "a": {}}),
        ("/a/b/0", {**BODY, "a": {"b": [{"c": 2}]}}),
        ("/a/b/1/c", {**BODY, "a": {"b": [1, {}]}}),
        ("/x~1y", {key: value for key, value in BODY.items() if key != "x/y"}),
        *(
            (pointer, BODY)
            for pointer in ("/z", "/z/y", "/a/b/2", "/a/b/x", "/a/b/x/y", "/a/b/9/y", "/s/x", "/s/x/y")
        ),
    ],
)
def test_deletions(pointer: str, expected: object) -> None:
    """What is there goes; what is not there does not matter."""
    assert delete(pointer) == expected


@pytest.mark.parametrize(
    ("pointer", "reason"),
    [
        ("", "Pointer cannot be empty"),
        ("a", "Pointer must start with '/'"),
        ("/a/b/-", "Cannot delete using array append operator `-`"),
    ],
)
def test_deletions_that_cannot_be_meant(pointer: str, reason: str) -> None:
    """A malformed pointer, or appending by deletion, is an error."""
    with pytest.raises(ProviderError, match="Error replacing extra body") as caught:
        delete(pointer)
    assert reason in caught.value.message


def test_deletion_wins_over_a_value() -> None:
    """An entry that holds both deletes."""
    assert changed_body(b'{"a":1}', [BodyChange("/a", 2, delete=True)]) == b"{}"


def test_later_entries_see_what_earlier_ones_did() -> None:
    """Entries are applied in order."""
    changes = [BodyChange("/n", {}), BodyChange("/n/l", []), BodyChange("/n/l/-", 1), BodyChange("/n/l/-", 2)]
    assert json.loads(changed_body(b"{}", changes)) == {"n": {"l": [1, 2]}}


def test_a_body_that_is_no_object_cannot_be_changed() -> None:
    """Bodies are objects."""
    with pytest.raises(ProviderError, match="Body is not a map"):
        changed_body(b"[]", [BodyChange("/a", 1)])


KEYS = st.text(alphabet="ab~/01-", max_size=3)


@given(st.lists(KEYS, min_size=1, max_size=4), st.integers())
def test_what_was_written_is_found_there(keys: list[str], value: int) -> None:
    """Any path of keys can be escaped into a pointer, written and read back."""
    pointer = "/" + "/".join(key.replace("~", "~0").replace("/", "~1") for key in keys)
    try:
        tree = json.loads(changed_body(b"{}", [BodyChange(pointer, value)]))
    except ProviderError as exc:
        assert keys[-1] == "" or any(key == "0" or key.isdigit() and key[0] != "0" for key in keys[1:])
        assert pointer in exc.message
        return
    for key in keys:
        tree = tree[key]
    assert tree == value


# ---- headers


def test_headers_replace_those_of_the_gateway() -> None:
    """Names are compared without case; later entries win; deletion takes back earlier entries only."""
    own = HeaderBlock.of([("authorization", "Bearer a"), ("content-type", "application/json")])
    changes = [
        HeaderChange("X-One", "1"),
        HeaderChange("x-two", "2"),
        HeaderChange("x-one", "11"),
        HeaderChange("X-TWO"),
        HeaderChange("Authorization", "Bearer b"),
        HeaderChange("content-type"),
    ]
    changed = dict(changed_headers(own, changes).pairs)
    assert changed.pop("x-one") == "11"
    assert {name.lower(): value for name, value in changed.items()} == {
        "authorization": "Bearer b",
        "content-type": "application/json",
    }


@pytest.mark.parametrize(
    ("name", "value"), [("a b", "1"), ("", "1"), ("x", "a\r\nb: c"), ("x\n", "1"), ("x", "é\n")]
)
def test_headers_that_would_break_the_request_are_refused(name: str, value: str) -> None:
    """Nobody can smuggle a line into a provider's request."""
    with pytest.raises(ProviderError, match="Invalid (extra header|header name)"):
        changed_headers(HeaderBlock.of([]), [HeaderChange(name, value)])


def test_what_is_taken_away_must_be_a_header() -> None:
    """A name that no header can have is a mistake there too."""
    with pytest.raises(ProviderError, match="^Invalid header name `a b`: invalid HTTP header name$"):
        changed_headers(HeaderBlock.of([]), [HeaderChange("a b", None)])


# ---- filters


def test_only_matching_entries_apply() -> None:
    """Entries without a filter apply to all, others to their variant, model, or provider of a model."""
    entries = [
        ExtraBody(pointer="/all", value=Raw(b"1")),
        ExtraBody(pointer="/v", value=Raw(b"1"), variant_name="v"),
        ExtraBody(pointer="/w", value=Raw(b"1"), variant_name="w"),
        ExtraBody(pointer="/m", value=Raw(b"1"), model_name="m"),
        ExtraBody(pointer="/n", value=Raw(b"1"), model_name="n"),
        ExtraBody(pointer="/mp", value=Raw(b"1"), model_name="m", provider_name="p"),
        ExtraBody(pointer="/mq", delete=True, model_name="m", provider_name="q"),
        ExtraBody(
            pointer="/old",
            value=Raw(b"null"),
            model_provider_name="tensorzero::model_name::n::provider_name::p",
        ),
    ]
    headers = [
        ExtraHeader(name="x-w", value="1", variant_name="w"),
        ExtraHeader(name="x-v", value="1", variant_name="v"),
        ExtraHeader(name="x-all", delete=True),
    ]
    changes = matching(entries, headers, variant="v", model="m", provider="p")
    assert [change.pointer for change in changes.body] == ["/all", "/v", "/m", "/mp", "/old"]
    assert changes.body[-1].value is None
    assert changes.headers == (HeaderChange("x-v", "1"), HeaderChange("x-all", None))
    assert matching([], [], variant="v", model="m", provider="p") is NO_CHANGES


def test_levels_are_joined_in_order() -> None:
    """The entries of a later level come after those of an earlier one."""
    first = Changes((BodyChange("/a"),), (HeaderChange("a"),))
    second = Changes((BodyChange("/b"),))
    assert first.then(second) == Changes((BodyChange("/a"), BodyChange("/b")), (HeaderChange("a"),))
    assert first.then(NO_CHANGES) is first
    assert NO_CHANGES.then(first) is first
    assert not NO_CHANGES


LEVELS = (
    MODEL
    + 'extra_body = [{ pointer = "/who", value = "provider" }, { pointer = "/provider", value = 1 }]\n'
    + 'extra_headers = [{ name = "x-who", value = "provider" }, { name = "x-gone", delete = true }]\n'
    + CHAT
    + 'extra_body = [{ pointer = "/who", value = "variant" }, { pointer = "/variant", value = 1 }]\n'
    + 'extra_headers = [{ name = "X-Who", value = "variant" }, { name = "x-gone", value = "variant" }]\n'
)


async def test_variant_then_provider_then_request(start: StartGateway) -> None:
    """Each level may overrule the one before; the finished body is what is sent and recorded."""
    gateway = await start(LEVELS, [completion(), completion()])
    await gateway.infer()
    sent = gateway.sent[0]
    assert (sent["who"], sent["variant"], sent["provider"]) == ("provider", 1, 1)
    head = gateway.network.requests[0].partition(b"\r\n\r\n")[0].lower()
    assert b"\r\nx-who: provider\r\n" in head
    assert b"x-gone" not in head
    await gateway.infer(
        extra_body=[
            {"pointer": "/who", "value": "request", "variant_name": "v"},
            {"pointer": "/provider", "delete": True},
            {"pointer": "/model", "value": "other", "model_name": "m", "provider_name": "p"},
        ],
        extra_headers=[{"name": "x-who", "value": "request"}],
    )
    sent = gateway.sent[1]
    assert (sent["who"], sent["variant"], sent["model"]) == ("request", 1, "other")
    assert "provider" not in sent
    assert b"\r\nx-who: request\r\n" in gateway.network.requests[1].lower()
    assert json.loads(gateway.model_rows[1]["raw_request"]) == sent


async def test_the_row_keeps_all_body_entries_and_no_header(start: StartGateway) -> None:
    """ChatInference has the request's body entries, unfiltered, in the stored form; headers may be secret."""
    gateway = await start(MODEL + CHAT, [completion()])
    await gateway.infer(
        extra_body=[
            {"value": {"b": 1}, "pointer": "/a", "variant_name": "v"},
            {"pointer": "/n", "value": None},
            {"pointer": "/x", "delete": True, "model_name": "m"},
        ],
        extra_headers=[{"name": "x-secret", "value": "hidden-value"}],
    )
    assert gateway.chat_rows[0]["extra_body"] == [
        {"variant_name": "v", "pointer": "/a", "value": {"b": 1}},
        {"pointer": "/n", "value": None},
        {"model_name": "m", "provider_name": None, "pointer": "/x", "delete": True},
    ]
    assert b"hidden-value" in gateway.network.requests[0]
    assert b"hidden-value" not in b"".join(line for _, line in gateway.sink.rows)


async def test_a_pointer_that_fits_only_one_provider_leaves_the_other(start: StartGateway) -> None:
    """A change that cannot be made fails that provider, before its request, and the next one is asked."""
    gateway = await start(TWO_PROVIDERS + CHAT, [completion("from q")])
    reply = await gateway.infer(
        extra_body=[{"pointer": "/model/x", "value": 1, "model_name": "m", "provider_name": "p"}]
    )
    assert reply.json()["content"] == [{"type": "text", "text": "from q"}]
    assert [origin for origin, _ in gateway.network.dialled] == ["http://other.test:80"]


async def test_a_bad_pointer_fails_without_a_request(start: StartGateway) -> None:
    """A pointer that fits no provider is a 502 with the reason; nobody is asked."""
    gateway = await start(MODEL + CHAT)
    reply = await gateway.infer(extra_body=[{"pointer": "no-slash", "value": 1}])
    assert reply.status == 502
    assert reply.error == (
        "All variants failed with errors: v: All model providers failed to infer with errors: p: "
        "Error replacing extra body: `Pointer must start with '/'` with pointer: `no-slash`"
    )
    assert gateway.network.dialled == []
    assert gateway.sink.rows == []


@pytest.mark.parametrize("kind", ["extra_body", "extra_headers"])
@pytest.mark.parametrize(
    ("entry", "status", "message"),
    [
        ({"variant_name": "zz", "value": "1"}, 404, "Unknown variant: zz"),
        (
            {"model_name": "zz", "value": "1"},
            400,
            "Invalid inference target: Invalid model provider filter: model `zz` does not exist.",
        ),
        (
            {"model_name": "m", "provider_name": "zz", "value": "1"},
            400,
            "Invalid inference target: Invalid model provider filter: provider `zz` not found in model `m`.",
        ),
        ({}, 400, "needs `value` or `delete = true`"),
        ({"delete": False}, 400, "needs `value` or `delete = true`"),
        ({"value": "1", "delete": True}, 400, "cannot have both `value` and `delete`"),
        ({"value": "1", "variant_name": "v", "model_name": "m"}, 400, "cannot name both"),
        ({"value": "1", "provider_name": "p"}, 400, "with `provider_name` needs `model_name`"),
        ({"value": "1", "zz": 1}, 400, "unknown field `zz`"),
        ({"value": "1", "pointer": None, "name": None}, 400, "[0]"),
    ],
)
async def test_bad_entries_are_refused(
    start: StartGateway, kind: str, entry: dict[str, object], status: int, message: str
) -> None:
    """An entry that cannot be meant is refused before anybody is asked, its place named."""
    gateway = await start(MODEL + CHAT)
    place = {"pointer": "/a"} if kind == "extra_body" else {"name": "x-a"}
    unknown = {"pointer", "name"} - set(place)
    entry = {**place, **{key: value for key, value in entry.items() if key not in unknown}}
    reply = await gateway.infer(**{kind: [entry]})
    assert (reply.status, message in reply.error) == (status, True), reply.error
    assert gateway.network.dialled == []


async def test_filters_of_model_requests_know_one_variant(start: StartGateway) -> None:
    """For a request that names a model, the only variant is the model's name."""
    gateway = await start(MODEL, [completion()])
    entry = {"pointer": "/a", "value": 1}
    reply = await gateway.infer(model_name="m", extra_body=[{**entry, "variant_name": "v"}])
    assert (reply.status, reply.error) == (404, "Unknown variant: v")
    reply = await gateway.infer(model_name="m", extra_body=[{**entry, "variant_name": "m"}])
    assert reply.status == 200
    assert gateway.sent[0]["a"] == 1


async def test_filters_are_checked_one_after_another(start: StartGateway) -> None:
    """The first wrong filter is named; for a model's request, unknown models come before its input."""
    gateway = await start(MODEL + CHAT, [])
    variant, model = {"name": "x", "value": "", "variant_name": "zz"}, {"name": "y", "model_name": "zz"}
    model["value"] = ""
    unknown = "Invalid inference target: Invalid model provider filter: model `zz` does not exist."
    assert (await gateway.infer(extra_headers=[variant, model])).status == 404
    assert (await gateway.infer(extra_headers=[model, variant])).error == unknown
    bad = {"system": {"a": 1}, "messages": []}
    assert "no template `system`" in (await gateway.infer(extra_headers=[model], input=bad)).error
    assert (await gateway.infer(model_name="m", extra_headers=[model], input=bad)).error == unknown
    assert "no template" in (await gateway.infer(model_name="m", extra_headers=[variant], input=bad)).error


async def test_changes_reach_every_attempt_and_streams(start: StartGateway) -> None:
    """Each provider that is tried gets the changes, a streamed request too."""
    refusal = answer(b"no", status=500)
    gateway = await start(TWO_PROVIDERS + CHAT, [refusal, refusal], [completion(), streamed("x")])
    assert (await gateway.infer(extra_body=[{"pointer": "/a", "value": 1}])).status == 200
    assert (await gateway.infer(extra_body=[{"pointer": "/a", "value": 2}], stream=True)).status == 200
    first, second = gateway.network.connections
    assert [json.loads(sent.partition(b"\r\n\r\n")[2])["a"] for sent in first.sent] == [1, 2]
    assert [json.loads(sent.partition(b"\r\n\r\n")[2])["a"] for sent in second.sent] == [1, 2]
