"""Tests of `tzproxy.inference.cache`: who may read and write, what is kept, and a store that fails."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from msgspec import Raw

from in_process import (
    CHAT,
    MODEL,
    RunningGateway,
    StartGateway,
    answer,
    completion,
    completion_body,
    tool_calls,
)
from tzproxy.clickhouse.queries.cache import CachedReply, CacheKey
from tzproxy.errors import StoreUnavailableError
from tzproxy.inference.cache import (
    LEFT_ALONE_S,
    ModelCache,
    RecentReplies,
    answer_of,
    are_calls_valid,
)
from tzproxy.recording.sink import MemorySink, Table
from tzproxy.types.content import Text, ToolCall
from tzproxy.types.request import CacheOptions
from tzproxy.types.tools import AllowedTools, CustomTool, FunctionTool, ToolConfig
from tzproxy.types.usage import NO_USAGE, Usage

ON: dict[str, Any] = {"enabled": "on"}
PRICED = MODEL + "cost = [{ pointer = '/usage/prompt_tokens', cost_per_unit = 1.0 }]\n"
KEY = CacheKey("ab" * 32, 7)


def cached_lines(gateway: RunningGateway) -> list[Any]:
    """Return the rows of ModelInferenceCache."""
    return gateway.rows(Table.MODEL_INFERENCE_CACHE)


async def test_the_second_answer_costs_nothing(start: StartGateway) -> None:
    """A hit asks nobody, has ids of its own, and tells no usage; its row has the tokens of then."""
    gateway = await start(PRICED + CHAT, [completion("once")])
    first, second = await gateway.infer(cache_options=ON), await gateway.infer(cache_options=ON)
    assert first.json()["content"] == second.json()["content"] == [{"type": "text", "text": "once"}]
    assert first.json()["usage"] == {"input_tokens": 3, "output_tokens": 5, "cost": 3.0}
    assert second.json()["usage"] == {"input_tokens": 0, "output_tokens": 0, "cost": 0.0}
    assert first.json()["inference_id"] != second.json()["inference_id"]
    assert len(gateway.sent) == 1
    row, hit = gateway.model_rows
    assert (row["cached"], hit["cached"]) == (False, True)
    assert (hit["input_tokens"], hit["output_tokens"], hit["cost"], hit["response_time_ms"]) == (3, 5, 0.0, 0)
    for key in ("raw_request", "raw_response", "output", "finish_reason", "input_messages"):
        assert hit[key] == row[key]
    assert hit["id"] != row["id"]


async def test_what_is_kept(start: StartGateway) -> None:
    """One row a reply: the key in both forms, the model's blocks, and the texts of the exchange."""
    gateway = await start(MODEL + CHAT, [completion("x")])
    await gateway.infer(cache_options=ON)
    (row,) = cached_lines(gateway)
    assert set(row) == {
        "short_cache_key",
        "long_cache_key",
        "timestamp",
        "output",
        "raw_request",
        "raw_response",
        "input_tokens",
        "output_tokens",
        "finish_reason",
    }
    assert int.from_bytes(bytes.fromhex(row["long_cache_key"])[:8], "little") == row["short_cache_key"]
    assert row["output"] == '[{"type":"text","text":"x"}]'
    assert json.loads(row["raw_request"]) == gateway.sent[0]
    assert json.loads(row["raw_response"]) == completion_body("x")
    assert (row["input_tokens"], row["output_tokens"], row["finish_reason"]) == (3, 5, "stop")


@pytest.mark.parametrize(
    ("mode", "extra", "asked", "kept"),
    [
        ("on", {}, 1, 1),
        ("off", {}, 2, 0),
        ("read_only", {}, 2, 0),
        ("write_only", {}, 2, 2),
        ("on", {"dryrun": True}, 2, 0),
        ("write_only", {"dryrun": True}, 2, 0),
    ],
)
async def test_modes(start: StartGateway, mode: str, extra: dict[str, Any], asked: int, kept: int) -> None:
    """Each mode reads and writes what it says; a dry run never writes."""
    gateway = await start(MODEL + CHAT, [completion(), completion()])
    for _ in range(2):
        assert (await gateway.infer(cache_options={"enabled": mode}, **extra)).status == 200
    assert (len(gateway.sent), len(cached_lines(gateway))) == (asked, kept)


async def test_the_default_is_off(start: StartGateway) -> None:
    """A request that does not ask for the cache neither reads nor writes it."""
    gateway = await start(MODEL + CHAT, [completion(), completion()])
    await gateway.infer(cache_options=ON)
    await gateway.infer()
    assert (len(gateway.sent), len(cached_lines(gateway))) == (2, 1)


async def test_a_gateway_without_a_cache_ignores_the_options(start: StartGateway) -> None:
    """`gateway.cache.enabled = false` turns it off, whatever a request says."""
    gateway = await start("[gateway.cache]\nenabled = false\n" + MODEL + CHAT, [completion(), completion()])
    for _ in range(2):
        assert (await gateway.infer(cache_options=ON)).status == 200
    assert (len(gateway.sent), len(cached_lines(gateway))) == (2, 0)


async def test_failures_are_not_kept(start: StartGateway) -> None:
    """The next request asks again."""
    gateway = await start(MODEL + CHAT, [answer(b"no", status=500), completion("yes")])
    assert (await gateway.infer(cache_options=ON)).status == 502
    assert (await gateway.infer(cache_options=ON)).status == 200
    assert len(cached_lines(gateway)) == 1


async def test_raw_parts_leave_hits_out(start: StartGateway) -> None:
    """No raw usage and no raw response of a call that was not made; the original response is the kept one."""
    gateway = await start(MODEL + CHAT, [completion("x")])
    flags = {"include_raw_usage": True, "include_raw_response": True, "include_original_response": True}
    first = (await gateway.infer(cache_options=ON, **flags)).json()
    second = (await gateway.infer(cache_options=ON, **flags)).json()
    assert len(first["raw_usage"]) == len(first["raw_response"]) == 1
    assert second["raw_usage"] == second["raw_response"] == []
    assert second["original_response"] == first["original_response"]


async def test_tokens_of_hits_are_not_counted_again(start: StartGateway) -> None:
    """The counters tell what providers reported."""
    gateway = await start(MODEL + CHAT, [completion()])
    for _ in range(3):
        await gateway.infer(cache_options=ON)
    assert (await gateway.metrics)["tensorzero_input_tokens_total"] == 3


async def test_answers_with_invalid_tool_calls_are_not_kept(start: StartGateway) -> None:
    """A call of a tool that nobody offered is answered, and asked for again."""
    made = completion(None, tool_calls=tool_calls(("nobody", "{}")))
    tool = {"name": "t", "description": "d", "parameters": {"type": "object"}}
    gateway = await start(MODEL + CHAT, [made, made])
    for _ in range(2):
        assert (await gateway.infer(cache_options=ON, additional_tools=[tool])).status == 200
    assert (len(gateway.sent), cached_lines(gateway)) == (2, [])


@pytest.mark.parametrize(
    ("call", "is_valid"),
    [
        (("t", '{"city":"x"}'), True),
        (("t", '{"city":1}'), False),
        (("t", "no"), False),
        (("other", '{"city":"x"}'), False),
        (("free", "no JSON"), True),
        (("broken", "{}"), False),
    ],
)
def test_which_calls_are_valid(call: tuple[str, str], is_valid: bool) -> None:
    """The tool is offered and its schema fits; the input of a custom tool may be anything."""
    schema = Raw(b'{"type":"object","properties":{"city":{"type":"string"}}}')
    config = ToolConfig(
        tools=[FunctionTool("d", schema, "t"), FunctionTool("d", Raw(b'{"type":5}'), "broken")],
        custom_tools=[CustomTool("free")],
        allowed=AllowedTools(["t"], "function_default"),
    )
    assert are_calls_valid([Text("x"), ToolCall("1", *call)], config) is is_valid


def test_without_tools_arguments_must_be_json() -> None:
    """There is nothing else to hold them against."""
    assert are_calls_valid([ToolCall("1", "any", "[1]")], None)
    assert not are_calls_valid([ToolCall("1", "any", "nope")], None)


def reply(output: str = '[{"type":"text","text":"x"}]', written_s: float = 100.0) -> CachedReply:
    """Make a reply."""
    return CachedReply(
        output=output,
        raw_request="",
        raw_response="",
        input_tokens=1,
        output_tokens=2,
        finish_reason="stop",
        written_s=written_s,
    )


def test_an_unreadable_reply_is_no_answer() -> None:
    """Rows that a newer gateway wrote count as a miss."""
    assert answer_of(reply('[{"type":"hologram"}]')) is None
    assert answer_of(reply("nonsense")) is None
    read = answer_of(reply())
    assert read is not None
    assert (read.output, read.usage, read.finish_reason) == ([Text("x")], Usage(1, 2), "stop")


def test_memory_is_bounded_by_number() -> None:
    """The reply not used for longest goes first; looking one up is using it."""
    recent = RecentReplies(max_entries=2)
    recent.put("a", reply())
    recent.put("b", reply())
    assert recent.get("a") is not None
    recent.put("c", reply())
    assert [recent.get(key) is not None for key in "abc"] == [True, False, True]


def test_memory_is_bounded_by_size() -> None:
    """Whatever the number of replies, their memory stays below the limit; a giant is not kept at all."""
    recent = RecentReplies(max_bytes=100_000)
    for number in range(100):
        recent.put(str(number), reply("x" * 5_000))
        assert recent.held_bytes <= 100_000
    assert 10 < len(recent) < 20
    recent.put("giant", reply("x" * 50_000))
    assert recent.get("giant") is None
    recent.put("99", reply("small"))
    before = len(recent)
    recent.put("99", reply("x" * 5_000))
    assert len(recent) == before


class ScriptedStore:
    """Answers look-ups from a script; an error is raised, `None` is a miss, `...` never answers."""

    def __init__(self, *script: Any) -> None:
        self.script = list(script)
        self.asked: list[int | None] = []

    async def find(self, key: CacheKey, *, max_age_s: int | None) -> CachedReply | None:
        """Play the next step."""
        self.asked.append(max_age_s)
        step = self.script.pop(0)
        if step is ...:
            await asyncio.get_running_loop().create_future()
        if isinstance(step, Exception):
            raise step
        found: CachedReply | None = step
        return found


class Clock:
    """A clock that is set by hand."""

    now_s = 1_000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now_s


async def test_the_store_is_asked_once() -> None:
    """What it found is remembered."""
    store = ScriptedStore(None, reply())
    cache = ModelCache(MemorySink(), lookup=store)
    assert await cache.find(KEY, None) is None
    assert await cache.find(KEY, None) == await cache.find(KEY, None) == reply()
    assert store.asked == [None, None]


async def test_too_old_in_memory_may_be_young_enough_in_the_store() -> None:
    """Another worker may have written since; the age limit goes to the store."""
    clock = Clock()
    store = ScriptedStore(reply(written_s=990.0), None)
    cache = ModelCache(MemorySink(), lookup=store, clock=clock)
    found = await cache.find(KEY, 100)
    assert found is not None
    assert await cache.find(KEY, 11) == found
    assert await cache.find(KEY, 10) is None
    assert store.asked == [100, 10]


@pytest.mark.parametrize("failure", [StoreUnavailableError("away"), ...])
async def test_a_failing_store_is_a_miss_and_left_alone(failure: Any) -> None:
    """No request waits for a store that has just failed; later it gets another chance."""
    clock = Clock()
    store = ScriptedStore(failure, reply())
    cache = ModelCache(MemorySink(), lookup=store, clock=clock, look_up_s=0.5)
    assert await cache.find(KEY, None) is None
    assert await cache.find(KEY, None) is None
    assert len(store.asked) == 1
    clock.now_s += LEFT_ALONE_S
    assert await cache.find(KEY, None) == reply()


async def test_without_a_store_memory_serves() -> None:
    """What was kept is found until it is too old."""
    clock = Clock()
    sink = MemorySink()
    cache = ModelCache(sink, clock=clock)
    cache.keep(KEY, output=b"[]", raw=("asked", "said"), usage=NO_USAGE, finish_reason=None)
    clock.now_s += 10.5
    found = await cache.find(KEY, 11)
    assert found is not None
    assert (found.output, found.raw_request, found.raw_response) == ("[]", "asked", "said")
    assert await cache.find(KEY, 10) is None
    (line,) = sink.lines(Table.MODEL_INFERENCE_CACHE)
    assert json.loads(line)["timestamp"] == 1_000


async def test_candidates_have_entries_of_their_own() -> None:
    """The same request of two candidates has two keys."""
    use = ModelCache(MemorySink()).use(CacheOptions("on"), dryrun=False)
    assert use is not None
    first, second = use.for_candidate(0), use.for_candidate(1)
    assert (first.reads, first.writes) == (True, True)
    assert first._suffix != second._suffix


async def test_max_age_is_a_count_of_seconds(start: StartGateway) -> None:
    """Negative ages and fractions are refused; zero finds nothing."""
    gateway = await start(MODEL + CHAT, [completion(), completion()])
    assert (await gateway.infer(cache_options={**ON, "max_age_s": -1})).status == 400
    assert (await gateway.infer(cache_options={**ON, "max_age_s": 1.5})).status == 400
    for _ in range(2):
        assert (await gateway.infer(cache_options={**ON, "max_age_s": 0})).status == 200
    assert len(gateway.sent) == 2
