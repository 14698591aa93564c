"""What the cache costs a request that asks for it. Run: pytest benchmarks/test_cache.py --benchmark-only."""

from pytest_benchmark.fixture import BenchmarkFixture

from tzproxy.clickhouse.queries.cache import CacheKey
from tzproxy.inference.cache import ModelCache, answer_of
from tzproxy.inference.cache_key import chat_key
from tzproxy.inference.model import CallContext
from tzproxy.recording.sink import NullSink
from tzproxy.types.content import Message, Text
from tzproxy.types.model import ModelRequest
from tzproxy.types.usage import Usage

ROUND = 1_000
REQUEST = ModelRequest(
    inference_id="i",
    messages=[Message("user", [Text("x" * 1_000)]), Message("assistant", [Text("y" * 1_000)])] * 4,
    system="Be brief.",
)
CONTEXT = CallContext(variant_name="v", credentials={})


def test_1000_keys(benchmark: BenchmarkFixture) -> None:
    """The key of a conversation of 8 kB, 1,000 times."""

    def keys() -> CacheKey:
        for _ in range(ROUND - 1):
            chat_key(("m", "p"), REQUEST, CONTEXT)
        return chat_key(("m", "p"), REQUEST, CONTEXT)

    assert len(benchmark(keys).long) == 64


def test_1000_hits(benchmark: BenchmarkFixture) -> None:
    """A reply of 1 kB found in memory and read, 1,000 times."""
    cache = ModelCache(NullSink())
    key = CacheKey("k" * 64, 1)
    text = b'[{"type":"text","text":"' + b"x" * 1_000 + b'"}]'
    cache.keep(key, output=text, raw=("asked", "said"), usage=Usage(1, 2), finish_reason="stop")

    def hits() -> int:
        found = 0
        for _ in range(ROUND):
            # Nothing is awaited in a hit: the coroutine ends at its first step.
            try:
                cache.find(key, None).send(None)
            except StopIteration as stop:
                found += answer_of(stop.value) is not None
        return found

    assert benchmark(hits) == ROUND
