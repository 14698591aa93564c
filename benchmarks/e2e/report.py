"""From blocks to tables, ratios and verdicts. Pure: text and numbers in, text out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import median

from msgspec import Struct

from benchmarks.e2e.blocks import DIRECT, Block
from benchmarks.e2e.latency import PERCENTILES, percentile_name
from benchmarks.e2e.plan import Scenario

CHECKED_SCENARIO = "throughput-16"
SUBJECT = "tzproxy"


class Spread(Struct, frozen=True):
    """Median, least and greatest of the blocks of one kind."""

    median: float
    low: float
    high: float

    def show(self, digits: int = 0) -> str:
        """Show as `median (low-high)`, or the value alone when there is but one block."""
        middle = f"{self.median:,.{digits}f}"
        if self.low == self.high:
            return middle
        return f"{middle} ({self.low:,.{digits}f}-{self.high:,.{digits}f})"


class Verdict(Struct, frozen=True):
    """One target of `--check`."""

    text: str
    value: float | None
    """None when the run did not measure what it takes."""
    is_met: bool


def spread(values: Sequence[float]) -> Spread | None:
    """Summarise; None when there is nothing."""
    return Spread(median(values), min(values), max(values)) if values else None


def select(blocks: Sequence[Block], scenario: str, target: str) -> list[Block]:
    """Pick the blocks of one scenario and one target."""
    return [block for block in blocks if block.scenario == scenario and block.target == target]


def added_latency(blocks: Sequence[Block], scenario: str, target: str, name: str) -> Spread | None:
    """Subtract the mock's percentile from the target's percentile, repeat by repeat.

    A difference of percentiles, not a percentile of differences: no single request goes both ways.
    """
    direct = {block.repeat: block.load.latency.percentiles_us for block in select(blocks, scenario, DIRECT)}
    values = [
        block.load.latency.percentiles_us[name] - direct[block.repeat][name]
        for block in select(blocks, scenario, target)
        if name in block.load.latency.percentiles_us and name in direct.get(block.repeat, {})
    ]
    return spread(values)


def ratio(
    blocks: Sequence[Block], scenario: str, value: Callable[[Block], float], pair: tuple[str, str]
) -> float | None:
    """Divide the median of the first target by that of the second; None when either is missing."""
    first, second = (spread([value(block) for block in select(blocks, scenario, target)]) for target in pair)
    if first is None or second is None or not second.median:
        return None
    return first.median / second.median


def judge(blocks: Sequence[Block]) -> list[Verdict]:
    """Compare tzproxy with the targets that it is held to."""

    def verdict(
        what: str, pair: str, value: Callable[[Block], float], limit: float, *, is_least: bool
    ) -> Verdict:
        found = ratio(blocks, CHECKED_SCENARIO, value, (SUBJECT, pair))
        sign = ">=" if is_least else "<="
        is_met = found is not None and (found >= limit if is_least else found <= limit)
        return Verdict(f"{what} / {pair} {sign} {limit:g}", found, is_met)

    return [
        verdict("CPU a request", "original-batch", lambda block: block.cpu_us, 0.45, is_least=False),
        verdict("CPU a request", "original-async", lambda block: block.cpu_us, 0.2, is_least=False),
        verdict("requests/s", "original-batch", lambda block: block.load.per_second, 1.8, is_least=True),
    ]


def format_report(
    *,
    environment: Mapping[str, str],
    method: Sequence[str],
    scenarios: Sequence[Scenario],
    blocks: Sequence[Block],
) -> str:
    """Format everything that a reader needs."""
    parts = ["\n".join(f"{key + ':':21}{value}" for key, value in environment.items()), "\n".join(method)]
    targets = list(dict.fromkeys(block.target for block in blocks))
    for scenario in scenarios:
        if any(block.scenario == scenario.name for block in blocks):
            parts.append(_format_scenario(scenario, blocks, targets))
    memory = _format_memory(blocks, targets)
    if memory:
        parts.append(memory)
    problems = find_problems(blocks)
    if problems:
        parts.append("Problems (the figures above are not to be trusted):\n" + "\n".join(problems))
    busy = sorted({block.target for block in blocks if not block.was_quiet})
    if busy:
        parts.append(f"The store was still merging when blocks of these began: {', '.join(busy)}")
    return "\n\n".join(parts)


def find_problems(blocks: Sequence[Block]) -> list[str]:
    """List every wrong answer and every missing or surplus row."""
    return [
        f"- {block.scenario}, {block.target}, repeat {block.repeat}: {problem}"
        for block in blocks
        for problem in block.problems
    ]


def format_verdicts(verdicts: Sequence[Verdict]) -> str:
    """Format the targets with what was measured."""
    lines = ["Targets:"]
    for entry in verdicts:
        value = "not measured" if entry.value is None else f"{entry.value:.3f}"
        lines.append(f"- {'met   ' if entry.is_met else 'MISSED'}  {entry.text}: {value}")
    return "\n".join(lines)


def _format_scenario(scenario: Scenario, blocks: Sequence[Block], targets: Sequence[str]) -> str:
    names = [percentile_name(entry) for entry in PERCENTILES]
    header = ["target", "requests/s", "stored/s", "CPU us/request", "of it", "store us", "mock us"]
    if scenario.is_stream:
        header += ["first token us p50", "p99", "gap us p50", "gap p99"]
    else:
        header += [("added us " if scenario.rate else "us ") + name for name in names]
    rows = []
    for target in targets:
        mine = select(blocks, scenario.name, target)
        if mine:
            rows.append([target, *_common_cells(mine), *_latency_cells(scenario, blocks, mine, target)])
    lines = [
        f"== {scenario.name}: {scenario.title}",
        _format_table(header, rows),
        *_ratio_lines(scenario, blocks, targets),
    ]
    if scenario.rate:
        late = spread(
            [
                block.load.lateness.percentiles_us.get("p99", 0.0)
                for block in blocks
                if block.scenario == scenario.name
            ]
        )
        lines.append(
            f"The generator itself was late by p99 {late.show()} us; the mock's row is absolute."
            if late
            else ""
        )
    return "\n".join(lines)


def _common_cells(mine: Sequence[Block]) -> list[str]:
    roles = sorted({role for block in mine for role in block.cpu_by_role_us})
    shares = [
        f"{role} {median([block.cpu_by_role_us.get(role, 0.0) for block in mine]):.0f}" for role in roles
    ]
    is_gateway = bool(roles)
    return [
        _show([block.load.per_second for block in mine]),
        _show([block.stored_per_second for block in mine]) if any(block.rows for block in mine) else "-",
        _show([block.cpu_us for block in mine]) if is_gateway else "-",
        " + ".join(shares) if len(shares) > 1 else "-",
        _show([block.store_cpu_us for block in mine]) if any(block.rows for block in mine) else "-",
        _show([block.mock_cpu_us for block in mine]) if any(block.mock_cpu_us for block in mine) else "-",
    ]


def _latency_cells(
    scenario: Scenario, blocks: Sequence[Block], mine: Sequence[Block], target: str
) -> list[str]:
    if scenario.is_stream:
        tokens, gaps = [block.load.first_token for block in mine], [block.load.gaps for block in mine]
        return [
            _show([entry.percentiles_us.get(name, 0.0) for entry in kind])
            for kind in (tokens, gaps)
            for name in ("p50", "p99")
        ]
    names = [percentile_name(entry) for entry in PERCENTILES]
    if scenario.rate and target != DIRECT:
        added = [added_latency(blocks, scenario.name, target, name) for name in names]
        return [entry.show() if entry else "-" for entry in added]
    return [_show([block.load.latency.percentiles_us.get(name, 0.0) for block in mine]) for name in names]


def _ratio_lines(scenario: Scenario, blocks: Sequence[Block], targets: Sequence[str]) -> list[str]:
    lines = []
    for mine in (target for target in targets if target.startswith((SUBJECT, "running"))):
        for other in (target for target in targets if target.startswith("original")):
            cpu = ratio(blocks, scenario.name, lambda block: block.cpu_us, (mine, other))
            speed = ratio(blocks, scenario.name, lambda block: block.load.per_second, (mine, other))
            if cpu is not None and speed is not None:
                lines.append(f"{mine} / {other}: CPU {cpu:.3f}, requests/s {speed:.2f}")
    return lines


def _format_memory(blocks: Sequence[Block], targets: Sequence[str]) -> str:
    rows = []
    for target in targets:
        mine = [block for block in blocks if block.target == target and block.resident_mb]
        if mine:
            rows.append(
                [
                    target,
                    ", ".join(f"{role} {size:.0f}" for role, size in sorted(mine[-1].resident_mb.items())),
                ]
            )
    return "== resident memory at the end, MB\n" + _format_table(["target", "MB"], rows) if rows else ""


def _show(values: Sequence[float]) -> str:
    found = spread(values)
    return found.show() if found else "-"


def _format_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    lines = [
        " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in (header, *rows)
    ]
    lines.insert(1, "-+-".join("-" * width for width in widths))
    return "\n".join(line.rstrip() for line in lines)
