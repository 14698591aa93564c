"""Tests of `tzproxy.inference.metrics`: names, labels and values as Prometheus reads them."""

from __future__ import annotations

from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.parser import text_string_to_metric_families

from tzproxy.inference.metrics import GatewayMetrics

REQUEST = (("endpoint", "inference"), ("function_name", "f"))
OVERHEAD = "tensorzero_inference_latency_overhead_seconds"


def text_of(metrics: GatewayMetrics) -> str:
    """Write the exposition."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(metrics)
    return generate_latest(registry).decode()


def samples_of(metrics: GatewayMetrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Read the exposition back as Prometheus would."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text_of(metrics))
        for sample in family.samples
    }


def test_types_are_announced_before_anything_happened() -> None:
    """All families exist from the start, without samples."""
    lines = [line for line in text_of(GatewayMetrics([0.1])).splitlines() if line.startswith("# TYPE")]
    assert lines == [
        "# TYPE tensorzero_requests_total counter",
        "# TYPE tensorzero_inferences_total counter",
        "# TYPE tensorzero_input_tokens_total counter",
        "# TYPE tensorzero_output_tokens_total counter",
        "# TYPE tzproxy_refused_total counter",
        f"# TYPE {OVERHEAD} histogram",
    ]


def test_requests_and_inferences_are_counted_by_their_labels() -> None:
    """Each set of labels has a count of its own."""
    metrics = GatewayMetrics([])
    metrics.count_request("f")
    metrics.count_request("f")
    metrics.count_request("f", 'a"b\n')
    samples = samples_of(metrics)
    for name in ("tensorzero_requests_total", "tensorzero_inferences_total"):
        assert samples[name, REQUEST] == 2
        assert samples[name, (*REQUEST, ("model_name", 'a"b\n'))] == 1


def test_unknown_tokens_are_not_counted() -> None:
    """Only what providers reported is added."""
    metrics = GatewayMetrics([])
    metrics.count_tokens(3, None)
    metrics.count_tokens(None, 5)
    metrics.count_tokens(4, 0)
    samples = samples_of(metrics)
    assert samples["tensorzero_input_tokens_total", ()] == 7
    assert samples["tensorzero_output_tokens_total", ()] == 5


def test_observations_fall_into_cumulative_buckets() -> None:
    """A value on a bound belongs to it; every bucket holds all below; the variant is a label if known."""
    metrics = GatewayMetrics([0.001, 0.01, 0.1])
    for seconds in (0.0005, 0.001, 0.0011, 0.1, 5.0):
        metrics.observe_overhead("f", "v", seconds)
    metrics.observe_overhead("f", None, 0.05)
    samples = samples_of(metrics)
    known = (("function_name", "f"), ("variant_name", "v"))

    def bucket(edge: str, labels: tuple[tuple[str, str], ...]) -> float:
        return samples[f"{OVERHEAD}_bucket", tuple(sorted((*labels, ("le", edge))))]

    assert [bucket(edge, known) for edge in ("0.001", "0.01", "0.1", "+Inf")] == [2, 3, 4, 5]
    assert samples[f"{OVERHEAD}_count", known] == 5
    assert samples[f"{OVERHEAD}_sum", known] == pytest.approx(5.1026)
    unknown = (("function_name", "f"),)
    assert [bucket(edge, unknown) for edge in ("0.001", "0.01", "0.1", "+Inf")] == [0, 0, 1, 1]


def test_without_buckets_there_is_a_summary() -> None:
    """An empty list of buckets leaves count and sum."""
    metrics = GatewayMetrics([])
    metrics.observe_overhead("f", "v", 0.25)
    assert f"# TYPE {OVERHEAD} summary" in text_of(metrics)
    samples = samples_of(metrics)
    labels = (("function_name", "f"), ("variant_name", "v"))
    assert {name: value for (name, found), value in samples.items() if found == labels} == {
        f"{OVERHEAD}_count": 1,
        f"{OVERHEAD}_sum": 0.25,
    }


def test_requests_that_arrive_while_figures_are_read_do_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    """`/metrics` is written on a thread: new labels may appear at any moment."""
    metrics = GatewayMetrics([0.1])
    metrics.count_request("f")
    metrics.observe_overhead("f", "v", 0.1)
    add_sample = CounterMetricFamily.add_sample
    fresh = iter(range(1000))

    def add_while_busy(self: Any, *args: Any, **options: Any) -> None:
        name = f"f{next(fresh)}"
        metrics.count_request(name)
        metrics.observe_overhead(name, "v", 0.1)
        add_sample(self, *args, **options)

    monkeypatch.setattr("prometheus_client.metrics_core.Metric.add_sample", add_while_busy)
    assert text_of(metrics).count("tensorzero_requests_total{") >= 1


def test_states_add_up() -> None:
    """The sum of two processes counts what both have seen, whatever each knows of."""
    one, other, total = GatewayMetrics([0.1, 1.0]), GatewayMetrics([0.1, 1.0]), GatewayMetrics([0.1, 1.0])
    for metrics in (one, other):
        metrics.count_request("f")
        metrics.observe_overhead("f", "v", 0.5)
    one.count_tokens(3, None)
    other.count_feedback("m")
    other.observe_overhead("g", None, 2.0)
    total.add(one.state())
    total.add(other.state())
    samples = samples_of(total)
    assert samples["tensorzero_requests_total", REQUEST] == 2
    assert samples["tensorzero_input_tokens_total", ()] == 3
    assert samples["tensorzero_requests_total", (("endpoint", "feedback"), ("metric_name", "m"))] == 1
    f, g = (("function_name", "f"), ("variant_name", "v")), (("function_name", "g"),)
    assert samples[f"{OVERHEAD}_count", f] == 2
    assert samples[f"{OVERHEAD}_sum", f] == 1.0
    assert samples[f"{OVERHEAD}_bucket", (*f[:1], ("le", "1"), *f[1:])] == 2
    assert samples[f"{OVERHEAD}_count", g] == 1
    assert samples_of(one)[f"{OVERHEAD}_count", f] == 1


def test_histograms_with_other_buckets_are_left_out() -> None:
    """After a change of the buckets old observations fit nowhere; counters go on."""
    old, new = GatewayMetrics([0.1]), GatewayMetrics([0.1, 1.0])
    old.count_tokens(1, 1)
    old.observe_overhead("f", "v", 0.5)
    new.add(old.state())
    samples = samples_of(new)
    assert samples["tensorzero_input_tokens_total", ()] == 1
    assert not [name for name, _ in samples if name.startswith(OVERHEAD)]
