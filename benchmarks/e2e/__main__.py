"""`python -m benchmarks.e2e`: measure, print, judge."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path

import msgspec

from benchmarks.e2e.blocks import Block
from benchmarks.e2e.environment import describe_environment
from benchmarks.e2e.gateways import GatewayFailed, build_config
from benchmarks.e2e.plan import ANSWER_BYTES, BACKLOG_REQUESTS, FUNCTIONS, Plan, parse_plan
from benchmarks.e2e.report import find_problems, format_report, format_verdicts, judge
from benchmarks.e2e.runner import Started, run_blocks, run_profile
from benchmarks.e2e.store import StoreFailed


def main(arguments: list[str]) -> int:
    """Run and return the exit status: 1 for wrong answers, lost rows and, with `--check`, missed targets."""
    plan = parse_plan(arguments)
    if plan.does_print_config:
        print(build_config("async", plan.mock_url or "http://127.0.0.1:4010", FUNCTIONS), end="")
        return 0
    environment = describe_environment()
    with ExitStack() as stack:
        started = Started(plan, stack)
        try:
            started.start_gateways()
            if plan.profiler is not None:
                print(run_profile(plan, plan.profiler, started))
                return 0
            blocks = run_blocks(plan, started)
        except (GatewayFailed, StoreFailed) as exc:
            print(f"benchmark: {exc}", file=sys.stderr)
            return 2
        method = [*_describe_method(plan), *started.notes]
    print(format_report(environment=environment, method=method, scenarios=plan.scenarios, blocks=blocks))
    verdicts = judge(blocks)
    if plan.is_checked or any(entry.value is not None for entry in verdicts):
        print("\n" + format_verdicts(verdicts))
    if plan.json_file:
        _write_json(Path(plan.json_file), plan, environment, blocks)
    if find_problems(blocks):
        return 1
    return int(plan.is_checked and not all(entry.is_met for entry in verdicts))


def _describe_method(plan: Plan) -> list[str]:
    return [
        f"{plan.repeats} blocks of {plan.duration_s:g} s of each kind, interleaved; median (least-greatest).",
        f"Route {plan.route}; one chat function, one variant, one model; answers of {ANSWER_BYTES} bytes.",
        "Generator, mock, gateway and store share the machine.",
        "CPU from /proc (user + system), counted until the last row is stored.",
        "`stored/s`: answers by the time from the first request until their last row is stored.",
        f"Blocks of original-async end after {BACKLOG_REQUESTS} requests: inserts lag behind its answers,",
        "and waiting for the rows of a longer block would take minutes.",
        "Open loop: latency counts from the time a request was due;",
        "`added` is the difference to the mock alone, percentile by percentile.",
    ]


def _write_json(path: Path, plan: Plan, environment: dict[str, str], blocks: list[Block]) -> None:
    verdicts = judge(blocks)
    whole = {"environment": environment, "plan": plan, "blocks": blocks, "targets": verdicts}
    path.write_bytes(msgspec.json.format(msgspec.json.encode(whole)) + b"\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
