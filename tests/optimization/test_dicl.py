"""Tests of `tzproxy.optimization.dicl`."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from msgspec import Raw

from optimization.gateways import ENVIRON, StoredGateway, write_config
from optimization.samples import WEATHER, sample, text
from tzproxy.clickhouse import StoreClient
from tzproxy.clickhouse.queries.dicl import NewExample
from tzproxy.config import load_config
from tzproxy.config.optimizers import DiclOptimizerConfig
from tzproxy.errors import NotFoundError, RequestError, StoreError, TzproxyError
from tzproxy.inference.catalog import ConfigCatalog
from tzproxy.inference.embedder import EmbeddingsAsked
from tzproxy.inference.embedding import EmbeddingCall
from tzproxy.optimization.dicl import DiclOptimizer
from tzproxy.optimization.jobs import CompletedJob, DiclHandle
from tzproxy.optimization.samples import RenderedSample, TrainingData
from tzproxy.providers.errors import ProviderError
from tzproxy.providers.protocol import ProviderSpec
from tzproxy.types.embedding import EmbeddingResponse
from tzproxy.types.usage import Usage


class FakeEmbedder:
    """Embeds a text as the number at its end. `failing`: texts that cannot be embedded."""

    def __init__(self) -> None:
        self.asked: list[EmbeddingsAsked] = []
        self.failing = "none"
        self.vector = b"[%d,1]"
        self.running = self.most = 0

    async def embed(self, asked: EmbeddingsAsked) -> EmbeddingCall:
        """Answer after all others had their turn."""
        self.asked.append(asked)
        self.running += 1
        self.most = max(self.most, self.running)
        for _ in range(5):
            await asyncio.sleep(0)
        self.running -= 1
        texts = asked.request.input
        assert isinstance(texts, list)
        if any(self.failing in str(one) for one in texts):
            raise ProviderError("cannot embed")
        vectors = [Raw(self.vector % int(str(one).split("q")[1].split('"')[0])) for one in texts]
        return EmbeddingCall(
            model_name="e",
            provider_name="p",
            spec=ProviderSpec(type="x", display="X"),
            response=EmbeddingResponse(vectors=vectors, usage=Usage(1, 0)),
            raw_request="",
            raw_response="",
            response_time_ms=1,
        )


class FakeExamples:
    """Examples in memory. `lengths`: of the vectors that a variant has already."""

    def __init__(self) -> None:
        self.rows: list[NewExample] = []
        self.lengths: list[int] = []

    async def dimensions(self, *, function_name: str, variant_name: str) -> list[int]:
        """Return what the test said."""
        return self.lengths

    async def insert(self, examples: list[NewExample]) -> None:
        """Keep them."""
        self.rows.extend(examples)


class Made:
    """An optimiser, and what is around it."""

    def __init__(self, functions: Any) -> None:
        self.embedder = FakeEmbedder()
        self.examples = FakeExamples()
        self.optimizer = DiclOptimizer(functions, self.embedder, self.examples)  # type: ignore[arg-type]

    async def launch(self, *samples: RenderedSample, validation: Any = None, **fields: Any) -> DiclHandle:
        """Learn from samples."""
        settings = {"embedding_model": "e", "variant_name": "v", "function_name": "plain", **fields}
        data = TrainingData(training=list(samples), validation=validation)
        return await self.optimizer.launch(DiclOptimizerConfig(**settings), data)


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> ConfigCatalog:
    """Functions with and without tools."""
    return ConfigCatalog(
        load_config(str(write_config(tmp_path_factory.mktemp("config"), "f")), environ=ENVIRON)
    )


@pytest.fixture
def made(catalog: ConfigCatalog) -> Made:
    """An optimiser for functions with and without tools."""
    return Made(catalog.functions)


def of(number: int, **fields: Any) -> RenderedSample:
    """A sample of the function `plain`."""
    return sample(f"q{number}", **{"output": f"a{number}", "function_name": "plain", **fields})


async def test_samples_become_examples(made: Made) -> None:
    """Inputs before their templates, outputs as they are stored, vectors in the order of the samples."""
    one = sample(
        messages=[{"role": "user", "content": text("rendered")}],
        function_name="plain",
        stored_input={
            "messages": [
                {
                    "role": "user",
                    "content": [{"type": "template", "name": "t", "arguments": {"a": "q7"}}],
                }
            ],
            "system": "S",
        },
        stored_output={"raw": "x", "parsed": None},
        function_type="json",
    )
    handle = await made.launch(one, of(8), model="m", k=3, dimensions=2)
    assert handle == DiclHandle(embedding_model="e", k=3, model="m")
    (asked,) = made.embedder.asked
    assert (asked.model_name, asked.request.dimensions) == ("e", 2)
    first, second = made.examples.rows
    assert first.input == (
        '{"system":"S","messages":[{"role":"user","content":'
        '[{"type":"template","name":"t","arguments":{"a":"q7"}}]}]}'
    )
    assert asked.request.input == [first.input, second.input]
    assert first.output == '{"raw":"x","parsed":null}'
    assert second.output == '[{"type":"text","text":"a8"}]'
    assert [row.embedding for row in made.examples.rows] == [[7.0, 1.0], [8.0, 1.0]]
    assert {(row.function_name, row.variant_name, row.namespace) for row in made.examples.rows} == {
        ("plain", "v", "")
    }


async def test_batches(made: Made) -> None:
    """So many texts at once, in so many requests at once; their order stays."""
    await made.launch(*(of(n) for n in range(10)), batch_size=3, max_concurrency=2)
    assert [len(asked.request.input) for asked in made.embedder.asked] == [3, 3, 3, 1]
    assert made.embedder.most == 2
    assert [row.embedding[0] for row in made.examples.rows] == list(range(10))


async def test_a_model_that_fails(made: Made) -> None:
    """Its own error is told, and nothing is written."""
    made.embedder.failing = "q4"
    with pytest.raises(ProviderError, match="cannot embed"):
        await made.launch(*(of(n) for n in range(6)), batch_size=1)
    assert made.examples.rows == []


async def test_answers_that_are_no_vectors(made: Made) -> None:
    """They are refused."""
    made.embedder.vector = b'"%d"'
    with pytest.raises(TzproxyError, match="no list of numbers"):
        await made.launch(of(1))
    assert made.examples.rows == []


async def test_what_a_variant_has_already(made: Made) -> None:
    """It is added to when that is wanted, and when the vectors can be compared."""
    made.examples.lengths = [2]
    with pytest.raises(RequestError, match="set append_to_existing_variants=true"):
        await made.launch(of(1))
    await made.launch(of(1), append_to_existing_variants=True)
    made.examples.lengths = [3]
    with pytest.raises(RequestError, match="would be of 2, 3"):
        await made.launch(of(1), append_to_existing_variants=True)
    assert len(made.examples.rows) == 1


async def test_what_is_not_used_is_said(made: Made, caplog: pytest.LogCaptureFixture) -> None:
    """A default model and validation samples are worth a warning."""
    handle = await made.launch(of(1), validation=[of(2)])
    assert handle.model == "openai::gpt-4o-mini-2024-07-18"
    assert "without `model`" in caplog.text
    assert "no use for samples for validation" in caplog.text
    assert len(made.examples.rows) == 1


CALL = {"type": "tool_call", "id": "c", "name": "n", "arguments": "{}"}
RESULT = {"type": "tool_result", "id": "c", "name": "n", "result": "r"}


@pytest.mark.parametrize(
    ("second", "fields", "kind", "reason"),
    [
        (of(2, output=None), {}, RequestError, "Training example 2 is missing an output"),
        (of(2, tools=[WEATHER]), {}, RequestError, "Training example 2 contains 1 available tools"),
        (
            of(2, messages=[{"role": "assistant", "content": [CALL]}]),
            {},
            RequestError,
            "Training example 2 contains a tool call in message content",
        ),
        (
            of(2, messages=[{"role": "user", "content": [RESULT]}]),
            {},
            RequestError,
            "Training example 2 contains a tool result in message content",
        ),
        (of(2, function_name="j"), {}, RequestError, "Training example 2 is of function 'j', not 'plain'"),
        (of(2), {"function_name": "nope"}, NotFoundError, "Unknown function: nope"),
        (of(2), {"function_name": "tools"}, RequestError, "Function 'tools' has tools"),
        (of(2), {"batch_size": 0}, RequestError, "optimizer_config.batch_size: must be at least 1"),
        (of(2), {"max_concurrency": 0}, RequestError, "optimizer_config.max_concurrency"),
    ],
)
async def test_what_makes_no_examples(
    made: Made, second: RenderedSample, fields: dict[str, Any], kind: type[RequestError], reason: str
) -> None:
    """It is refused before any model is asked; samples are counted from one."""
    with pytest.raises(kind, match=reason):
        await made.launch(of(1), second, **fields)
    assert made.embedder.asked == []


async def test_no_store(catalog: ConfigCatalog) -> None:
    """There is no place for examples."""
    optimizer = DiclOptimizer(catalog.functions, FakeEmbedder(), None)  # type: ignore[arg-type]
    settings = DiclOptimizerConfig(embedding_model="e", variant_name="v", function_name="plain")
    with pytest.raises(StoreError, match="needs a ClickHouse store"):
        await optimizer.launch(settings, TrainingData(training=[of(1)]))


async def test_the_variant_is_described(made: Made) -> None:
    """As a configuration would have it."""
    info = await made.optimizer.poll(DiclHandle(embedding_model="e", k=3, model="m"))
    assert isinstance(info, CompletedJob)
    assert msgspec.json.decode(msgspec.json.encode(info.output)) == {
        "type": "variant",
        "content": {
            "type": "experimental_dynamic_in_context_learning",
            "embedding_model": "e",
            "k": 3,
            "model": "m",
            "retries": {"num_retries": 0, "max_delay_s": 10.0},
        },
    }


async def test_from_inferences_to_answers(gateway: StoredGateway, store_url: str) -> None:
    """What was recorded is embedded and shown to a model by the variant that is described."""
    for name in ("A", "B"):
        await gateway.ask(name, variant_name="v")
    gateway.store()
    settings = {
        "type": "dicl",
        "embedding_model": "e",
        "variant_name": "tensorzero::dynamic_variant",
        "function_name": gateway.function,
        "model": "m",
    }
    reply = await gateway.launch(optimizer_config=settings)
    assert reply.status == 200, reply.body
    again = await gateway.launch(optimizer_config=settings)
    assert again.status == 400
    assert "append_to_existing_variants" in again.error
    client = StoreClient(store_url)
    rows = client.query(
        "SELECT input, output, length(embedding) AS size FROM DynamicInContextLearningExample "
        "WHERE function_name = {f:String}",
        {"f": gateway.function},
    )
    client.close()
    blocks = [msgspec.json.decode(row["input"])["messages"][0]["content"][0] for row in rows]
    assert sorted(block["arguments"]["name"] for block in blocks) == ["A", "B"]
    info = (await gateway.client.get(f"/experimental_optimization/{reply.body.decode()}")).json()
    assert info["status"] == "completed"
    block = {"type": "template", "name": "user", "arguments": {"name": "C"}}
    answer = await gateway.client.post(
        "/inference",
        {
            "function_name": gateway.function,
            "input": {"messages": [{"role": "user", "content": [block]}]},
            "internal_dynamic_variant_config": {**info["output"]["content"]},
            "dryrun": True,
        },
    )
    assert answer.status == 200, answer.body
