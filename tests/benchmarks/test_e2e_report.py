"""From blocks to verdicts."""

from __future__ import annotations

from typing import Any

from benchmarks.e2e.blocks import DIRECT, Block
from benchmarks.e2e.latency import Distribution, summarize_ns
from benchmarks.e2e.load import LoadResult
from benchmarks.e2e.plan import build_scenarios
from benchmarks.e2e.report import added_latency, find_problems, format_report, format_verdicts, judge


def _block(
    target: str, *, repeat: int = 0, cpu_us: float = 100.0, answers: int = 1000, **fields: Any
) -> Block:
    load = LoadResult(
        answers=answers,
        errors=fields.pop("errors", {}),
        elapsed_s=1.0,
        latency=fields.pop("latency", Distribution()),
    )
    scenario = fields.pop("scenario", "throughput-16")
    return Block(scenario=scenario, target=target, repeat=repeat, load=load, cpu_us=cpu_us, **fields)


def test_targets_compare_medians() -> None:
    """Each target is met or missed by the ratio of the medians, and unmet when it was not measured."""
    blocks = [
        *(_block("tzproxy", repeat=n, cpu_us=cpu, answers=1800) for n, cpu in enumerate((40, 44, 400))),
        *(_block("original-batch", repeat=n, cpu_us=100) for n in range(3)),
    ]
    batch, asynchronous, speed = judge(blocks)
    assert (batch.value, batch.is_met) == (0.44, True)
    assert (asynchronous.value, asynchronous.is_met) == (None, False)
    assert (speed.value, speed.is_met) == (1.8, True)
    assert "not measured" in format_verdicts([asynchronous])
    slow = judge([_block("tzproxy", cpu_us=46, answers=1799), _block("original-batch")])
    assert [entry.is_met for entry in slow] == [False, False, False]


def test_missing_and_surplus_rows_are_problems() -> None:
    """Rows must equal the answers; a failed request may or may not have left one."""
    assert not find_problems([_block("a", rows={"ChatInference": 1000})])
    assert find_problems([_block("a", rows={"ChatInference": 999})])
    assert find_problems([_block("a", rows={"ChatInference": 1001})])
    failed = find_problems([_block("a", rows={"ChatInference": 1001}, errors={"no answer": 1})])
    assert failed == ["- throughput-16, a, repeat 0: 1 x no answer"]
    assert find_problems([_block("a", answers=0)])


def test_added_latency_pairs_the_repeats() -> None:
    """The mock's percentile of the same repeat is taken off."""

    def at(value: float) -> Distribution:
        return Distribution(count=1, percentiles_us={"p50": value})

    blocks = [
        _block(DIRECT, repeat=0, latency=at(100)),
        _block(DIRECT, repeat=1, latency=at(200)),
        _block("tzproxy", repeat=0, latency=at(400)),
        _block("tzproxy", repeat=1, latency=at(450)),
    ]
    found = added_latency(blocks, "throughput-16", "tzproxy", "p50")
    assert found is not None
    assert (found.low, found.median, found.high) == (250, 275, 300)
    assert added_latency(blocks, "throughput-16", "tzproxy", "p99") is None


def test_report_shows_figures_ratios_and_problems() -> None:
    """The report holds the environment, a table per scenario, the ratios and what went wrong."""
    blocks = [
        _block(DIRECT),
        _block(
            "tzproxy", cpu_us=50, cpu_by_role_us={"worker": 45.0, "recorder": 5.0}, rows={"ChatInference": 1}
        ),
        _block("original-batch", cpu_us=100, cpu_by_role_us={"gateway": 100.0}),
    ]
    text = format_report(
        environment={"cpu": "slow"},
        method=["how"],
        scenarios=build_scenarios(rates=[500], connections=[16]),
        blocks=blocks,
    )
    assert text.startswith("cpu: ")
    assert "recorder 5 + worker 45" in text
    assert "tzproxy / original-batch: CPU 0.500, requests/s 1.00" in text
    assert "ChatInference got 1 rows for 1000 answers" in text
    assert "latency-500" not in text


def test_percentiles_of_a_known_distribution() -> None:
    """Percentiles are those of the values, in microseconds."""
    found = summarize_ns([number * 1000 for number in range(1, 1001)])
    assert found.count == 1000
    assert found.percentiles_us == {"p50": 500.0, "p90": 900.0, "p99": 990.0, "p99.9": 999.0}
    assert summarize_ns([]) == Distribution()
