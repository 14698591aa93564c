"""Tests of `tzproxy.clickhouse.queries.experiments`, on the embedded engine with its views."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import AsyncIterator, Callable, Iterable

import pytest

from tzproxy._speedups.ids import new_uuid7
from tzproxy.clickhouse import AsyncStoreClient, StoreClient
from tzproxy.clickhouse.migrations import add_own_tables
from tzproxy.clickhouse.queries.experiments import ExperimentKey, ExperimentStore, VariantStatistics
from tzproxy.clickhouse.schema.own import EXPERIMENT_STATES

ODD = 'it\'s "odd" \\ é {x:String}'


@pytest.fixture
async def beside(client: StoreClient) -> AsyncIterator[ExperimentStore]:
    """The queries, on the shared database."""
    asynchronous = AsyncStoreClient(client.url, threads=1)
    yield ExperimentStore(asynchronous)
    await asynchronous.close()


@pytest.fixture
async def keeping(open_database: Callable[[], StoreClient]) -> AsyncIterator[ExperimentStore]:
    """The queries, on a database with nothing but the table of states."""
    client = open_database()
    assert add_own_tables(client, (EXPERIMENT_STATES,)) == ["table TzproxyExperimentState created"]
    asynchronous = AsyncStoreClient(client.url, threads=1)
    yield ExperimentStore(asynchronous)
    await asynchronous.close()


class Traffic:
    """Inferences and feedback of one function, written as the recorder would."""

    def __init__(self, client: StoreClient) -> None:
        self.client = client
        self.function = f"f_{new_uuid7()}"

    def infer(
        self, variant: str, *, episode: str | None = None, namespace: str | None = None
    ) -> tuple[str, str]:
        """Write an inference; return its id and its episode."""
        inference, episode = new_uuid7(), episode or new_uuid7()
        tags = {} if namespace is None else {"tensorzero::namespace": namespace}
        line = {
            "id": inference,
            "function_name": self.function,
            "variant_name": variant,
            "episode_id": episode,
            "input": "{}",
            "output": "[]",
            "inference_params": "{}",
            "tags": tags,
        }
        self.client.insert_json("ChatInference", json.dumps(line).encode())
        return inference, episode

    def tell(self, kind: str, metric: str, target: str, *values: float | bool) -> None:
        """Write feedback on an inference or an episode."""
        lines = [
            {"id": new_uuid7(), "target_id": target, "metric_name": metric, "value": value}
            for value in values
        ]
        self.client.insert_json(
            f"{kind}MetricFeedback", "\n".join(json.dumps(line) for line in lines).encode()
        )


@pytest.fixture
def traffic(client: StoreClient) -> Traffic:
    """A function of the test's own."""
    return Traffic(client)


def by_name(known: Iterable[VariantStatistics]) -> dict[str, VariantStatistics]:
    """Statistics by variant."""
    return {entry.variant_name: entry for entry in known}


async def test_statistics_of_a_float_metric(beside: ExperimentStore, traffic: Traffic) -> None:
    """Count, mean and sample variance of each variant asked for; one sample has no variance."""
    values = [0.5, 1.5, 4.0, -2.0]
    for variant, told in (("a", values), ("b", [7.0]), ("other", [1.0])):
        inference, _ = traffic.infer(variant)
        traffic.tell("Float", "q", inference, *told)
        traffic.tell("Float", "another", inference, 100.0)
    known = by_name(
        await beside.statistics(traffic.function, "q", ["a", "b", "c"], namespace=None, newest=10)
    )
    assert set(known) == {"a", "b"}
    assert known["a"].count == 4
    assert known["a"].mean == pytest.approx(statistics.mean(values))
    assert known["a"].variance == pytest.approx(statistics.variance(values))
    assert known["b"] == VariantStatistics("b", 1, 7.0, None)


async def test_statistics_of_a_boolean_metric(beside: ExperimentStore, traffic: Traffic) -> None:
    """True counts as 1, false as 0, and every feedback counts."""
    inference, _ = traffic.infer("a")
    traffic.tell("Boolean", "ok", inference, True, True, True, False)
    (known,) = await beside.statistics(traffic.function, "ok", ["a"], namespace=None, newest=10)
    assert (known.count, known.mean) == (4, 0.75)
    assert known.variance == pytest.approx(0.25)


async def test_episodes_count_where_one_variant_made_them(beside: ExperimentStore, traffic: Traffic) -> None:
    """Feedback on an episode in which two variants took part says nothing about either."""
    _, pure = traffic.infer("a")
    traffic.infer("a", episode=pure)
    _, mixed = traffic.infer("a")
    traffic.infer("b", episode=mixed)
    for episode in (pure, mixed):
        traffic.tell("Float", "q", episode, 3.0)
    known = await beside.statistics(traffic.function, "q", ["a", "b"], namespace=None, newest=10)
    assert known == [VariantStatistics("a", 1, 3.0, None)]


async def test_a_namespace_sees_its_own_feedback(beside: ExperimentStore, traffic: Traffic) -> None:
    """On its inferences and on episodes that have one; only the newest of each variant; both kinds."""
    mine, _ = traffic.infer("a", namespace="n")
    _, episode = traffic.infer("b", namespace="n")
    others, other_episode = traffic.infer("a", namespace="m")
    plain, _ = traffic.infer("b")
    traffic.tell("Float", "q", mine, 1.0)
    traffic.tell("Float", "q", mine, 2.0, 4.0)
    traffic.tell("Float", "q", episode, 7.0)
    for target in (others, other_episode, plain):
        traffic.tell("Float", "q", target, 50.0)
    traffic.tell("Boolean", "ok", mine, True)

    async def ask(metric: str, newest: int) -> dict[str, VariantStatistics]:
        return by_name(
            await beside.statistics(traffic.function, metric, ["a", "b"], namespace="n", newest=newest)
        )

    everything = await ask("q", 10)
    assert (everything["a"].count, everything["a"].mean) == (3, pytest.approx(7 / 3))
    assert everything["b"] == VariantStatistics("b", 1, 7.0, None)
    newest = await ask("q", 2)
    assert (newest["a"].count, newest["a"].mean) == (2, 3.0)
    assert await ask("ok", 10) == {"a": VariantStatistics("a", 1, 1.0, None)}
    assert (
        by_name(await beside.statistics(traffic.function, "q", ["a"], namespace=None, newest=1))["a"].count
        == 5
    )


async def test_no_variants_no_rows(beside: ExperimentStore, traffic: Traffic) -> None:
    """An empty list asks for nothing."""
    assert await beside.statistics(traffic.function, "q", [], namespace=None, newest=1) == []


async def test_states_are_read_as_they_were_left(keeping: ExperimentStore) -> None:
    """With the delay on the store's clock, oldest effect first, strange names and all."""
    key = ExperimentKey(function_name=ODD, namespace=ODD, metric=ODD, candidate_variants=("a", ODD))
    state = json.dumps({"type": "stopped", "winner_variant_name": ODD})
    before = time.time() * 1000
    await keeping.add_state(key, state, delay_ms=90_000)
    await keeping.add_state(key, "{}", delay_ms=1)
    soon, later = await keeping.states([ODD, "another"], written_since_ms=0, newest=10)
    assert (soon.state, later.state) == ("{}", state)
    assert (later.function_name, later.namespace, later.metric) == (ODD, ODD, ODD)
    assert later.candidate_variants == ("a", ODD)
    assert abs(later.written_at_ms - before) < 60_000
    # The store looks at its clock once for the effect and, a little later, for the row.
    assert 89_000 <= later.effective_at_ms - later.written_at_ms <= 90_001
    (only,) = await keeping.states([ODD], written_since_ms=0, newest=1)
    assert only.id == later.id
    after = int(max(soon.written_at_ms, later.written_at_ms)) + 1
    assert await keeping.states([ODD], written_since_ms=after, newest=10) == []
