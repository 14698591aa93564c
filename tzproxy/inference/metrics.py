"""Counters and the overhead histogram, with the original's names and labels. Hot: plain additions, no locks.

They live in one process and one thread; `/metrics` reads them through a prometheus-client collector. The sum
over several processes is made elsewhere, from their states.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from msgspec import Struct
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.registry import Collector

Labels = tuple[tuple[str, str], ...]

HELP = {
    "tensorzero_requests": "Accepted requests to the gateway.",
    "tensorzero_inferences": "Inferences made.",
    "tensorzero_input_tokens": "Input tokens that providers reported.",
    "tensorzero_output_tokens": "Output tokens that providers reported.",
    "tzproxy_refused": "Requests refused for their API key, attempts refused by rate limits.",
}
OVERHEAD = "tensorzero_inference_latency_overhead_seconds"
OVERHEAD_HELP = "Time of an inference request less the time spent waiting for model providers."


class Histogram:
    """Observations of one label set in fixed buckets. Units: seconds."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, seconds: float) -> None:
        """Count one observation."""
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.total += seconds


class MetricsState(Struct, frozen=True, array_like=True):
    """The figures of one process at one moment.

    `counters`: name, labels, value. `overhead`: function, variant, observations per bucket, sum in seconds.
    """

    counters: list[tuple[str, Labels, int]]
    overhead: list[tuple[str, str | None, list[int], float]]


class GatewayMetrics(Collector):
    """All figures of one gateway process."""

    def __init__(self, overhead_bounds: Sequence[float]) -> None:
        self._bounds = tuple(overhead_bounds)
        self._counters: dict[str, dict[Labels, int]] = {name: {} for name in HELP}
        # PERF: what each inference adds to has no nested labels to hash (test_100_requests).
        self._accepted: dict[tuple[str, str | None], int] = {}
        self._input_tokens: int | None = None
        self._output_tokens: int | None = None
        self._overhead: dict[tuple[str, str | None], Histogram] = {}

    def count_request(self, function_name: str, model_name: str | None = None) -> None:
        """Count one accepted inference request and its inference; `model_name` if it named a model."""
        key = (function_name, model_name)
        self._accepted[key] = self._accepted.get(key, 0) + 1

    def count_feedback(self, metric_name: str) -> None:
        """Count one accepted piece of feedback."""
        labels = (("endpoint", "feedback"), ("metric_name", metric_name))
        counter = self._counters["tensorzero_requests"]
        counter[labels] = counter.get(labels, 0) + 1

    def count_batch(self, function_name: str, inputs: int) -> None:
        """Count one accepted batch and its inferences."""
        labels = (("endpoint", "batch_inference"), ("function_name", function_name))
        for name, number in (("tensorzero_requests", 1), ("tensorzero_inferences", inputs)):
            counter = self._counters[name]
            counter[labels] = counter.get(labels, 0) + number

    def count_embeddings(self, model_name: str, inputs: int) -> None:
        """Count one accepted request for embeddings and its inputs."""
        labels = (("endpoint", "embeddings"), ("model_name", model_name))
        for name, number in (("tensorzero_requests", 1), ("tensorzero_inferences", inputs)):
            counter = self._counters[name]
            counter[labels] = counter.get(labels, 0) + number

    def count_tokens(self, input_tokens: int | None, output_tokens: int | None) -> None:
        """Add what a provider reported for one model call."""
        if input_tokens is not None:
            self._input_tokens = (self._input_tokens or 0) + input_tokens
        if output_tokens is not None:
            self._output_tokens = (self._output_tokens or 0) + output_tokens

    def count_refusal(self, code: str) -> None:
        """Count one request that its API key does not let in, or one attempt that exceeds a rate limit."""
        counter = self._counters["tzproxy_refused"]
        labels = (("code", code),)
        counter[labels] = counter.get(labels, 0) + 1

    def observe_overhead(self, function_name: str, variant_name: str | None, seconds: float) -> None:
        """Count one request's overhead; `variant_name` only if exactly one variant was tried."""
        key = (function_name, variant_name)
        histogram = self._overhead.get(key)
        if histogram is None:
            histogram = self._overhead[key] = Histogram(self._bounds)
        histogram.observe(seconds)

    def _counted(self) -> dict[str, dict[Labels, int]]:
        """Return all counters as they are now, as copies: a copy is made in one step."""
        counters = {name: counter.copy() for name, counter in self._counters.items()}
        for (function_name, model_name), number in self._accepted.copy().items():
            labels: Labels = (("endpoint", "inference"), ("function_name", function_name))
            if model_name is not None:
                labels = (*labels, ("model_name", model_name))
            for name in ("tensorzero_requests", "tensorzero_inferences"):
                counters[name][labels] = counters[name].get(labels, 0) + number
        for name, tokens in (
            ("tensorzero_input_tokens", self._input_tokens),
            ("tensorzero_output_tokens", self._output_tokens),
        ):
            if tokens is not None:
                counters[name][()] = counters[name].get((), 0) + tokens
        return counters

    def state(self) -> MetricsState:
        """Return all figures as they are now."""
        return MetricsState(
            [(name, labels, value) for name, by in self._counted().items() for labels, value in by.items()],
            [(*key, list(found.counts), found.total) for key, found in list(self._overhead.items())],
        )

    def add(self, state: MetricsState) -> None:
        """Add the figures of another process; a histogram with other buckets is left out."""
        for name, labels, value in state.counters:
            counter = self._counters[name]
            counter[labels] = counter.get(labels, 0) + value
        for function_name, variant_name, counts, total in state.overhead:
            if len(counts) != len(self._bounds) + 1:
                continue
            histogram = self._overhead.setdefault((function_name, variant_name), Histogram(self._bounds))
            histogram.counts = [sum(pair) for pair in zip(histogram.counts, counts, strict=True)]
            histogram.total += total

    def collect(self) -> Iterable[Metric]:
        """Give all figures to prometheus-client.

        This runs on a thread while the loop goes on counting, so it walks copies.
        """
        for name, counter in self._counted().items():
            family = CounterMetricFamily(name, HELP[name])
            for labels, value in counter.items():
                family.add_sample(f"{name}_total", dict(labels), value)
            yield family
        yield self._overhead_family()

    def _overhead_family(self) -> Metric:
        if not self._bounds:
            summary = SummaryMetricFamily(OVERHEAD, OVERHEAD_HELP)
            for key, histogram in list(self._overhead.items()):
                summary.add_sample(f"{OVERHEAD}_count", _labels(key), sum(histogram.counts))
                summary.add_sample(f"{OVERHEAD}_sum", _labels(key), histogram.total)
            return summary
        family = HistogramMetricFamily(OVERHEAD, OVERHEAD_HELP)
        for key, histogram in list(self._overhead.items()):
            running = 0
            for bound, count in zip((*self._bounds, float("inf")), histogram.counts, strict=True):
                running += count
                edge = "+Inf" if bound == float("inf") else f"{bound:g}"
                family.add_sample(f"{OVERHEAD}_bucket", {**_labels(key), "le": edge}, running)
            family.add_sample(f"{OVERHEAD}_count", _labels(key), running)
            family.add_sample(f"{OVERHEAD}_sum", _labels(key), histogram.total)
        return family


def _labels(key: tuple[str, str | None]) -> dict[str, str]:
    function_name, variant_name = key
    labels = {"function_name": function_name}
    if variant_name is not None:
        labels["variant_name"] = variant_name
    return labels
