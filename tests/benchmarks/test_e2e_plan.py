"""What a run is asked to do."""

from __future__ import annotations

import tomllib

import msgspec
import pytest

from benchmarks.e2e.gateways import OBSERVABILITY, build_config, tell_role
from benchmarks.e2e.plan import FUNCTIONS, build_bodies, build_direct_bodies, parse_plan
from benchmarks.e2e.profiling import summarize_stacks


def test_quick_is_smaller_than_the_full_run() -> None:
    """A quick run has fewer scenarios, repeats and seconds."""
    quick, full = parse_plan(["--quick"]), parse_plan([])
    assert [entry.name for entry in quick.scenarios] == ["throughput-16", "latency-500", "stream-16"]
    assert len(full.scenarios) == 5
    assert [entry.name for entry in full.scenarios if entry.is_core] == ["throughput-16", "latency-500"]
    assert (quick.repeats, full.repeats) == (1, 3)
    assert quick.gateways == ["tzproxy", "original-batch"]
    assert parse_plan(["--quick", "--check"]).gateways == full.gateways
    assert quick.duration_s < full.duration_s


@pytest.mark.parametrize(
    "arguments",
    [
        ["--gateways", "nginx"],
        ["--route", "inference", "--gateways", "original-off"],
        ["--rates", "fast"],
        ["--connections", "x"],
    ],
)
def test_refuses_what_cannot_be_measured(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Wrong arguments end with a message, before anything is started."""
    with pytest.raises(SystemExit) as caught:
        parse_plan(arguments)
    assert caught.value.code == 2
    assert "error" in capsys.readouterr().err


@pytest.mark.parametrize("mode", list(OBSERVABILITY))
def test_configuration_is_the_same_but_for_the_mode(mode: str) -> None:
    """Every mode has the same functions and models; only the observability differs."""
    config = tomllib.loads(build_config(mode, "http://127.0.0.1:1", FUNCTIONS))
    other = tomllib.loads(build_config("off", "http://127.0.0.1:1", FUNCTIONS))
    assert config["functions"] == other["functions"]
    assert config["models"] == other["models"]
    assert set(config["functions"]) == set(FUNCTIONS)
    assert config["gateway"]["observability"]["enabled"] is (mode != "off")


def test_bodies_ask_for_the_same_on_every_route() -> None:
    """All routes carry the same question; the mock is asked as a gateway would ask it."""
    native = msgspec.json.decode(build_bodies("bench", route="inference", is_stream=True)[3])
    openai = msgspec.json.decode(build_bodies("bench", route="openai", is_stream=True)[3])
    direct = msgspec.json.decode(build_direct_bodies("bench", is_stream=True)[3])
    assert native["input"]["messages"][0] == openai["messages"][1] == direct["messages"][1]
    assert openai["model"] == "tensorzero::function_name::bench"
    assert direct["model"] == FUNCTIONS["bench"]


@pytest.mark.parametrize(
    ("command", "role"),
    [
        ("python -m tzproxy.recording.recorder --x", "recorder"),
        ("python -m tzproxy.clickhouse.embedded --data-dir d", ""),
        ("tzproxy serve", "worker"),
        ("", ""),
    ],
)
def test_roles_of_processes(command: str, role: str) -> None:
    """The store is no part of a gateway; what else it starts has a role."""
    assert tell_role(command) == role


def test_stacks_are_summed_without_waiting_threads() -> None:
    """Busy samples are summed by frame; sleeping threads do not count."""
    lines = [
        "main (a.py:1);serve (tzproxy/http/app.py:2);work (b.py:3) 3",
        "main (a.py:1);epoll_wait (libc.so) 9",
        "x 1",
    ]
    text = summarize_stacks(lines)
    assert text.startswith("4 busy samples at")
    assert "  75.0  serve (tzproxy/http/app.py:2)" in text
    assert "epoll_wait" not in text
    assert summarize_stacks([]) == "nothing was recorded"
