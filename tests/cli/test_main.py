"""Tests of `tzproxy.cli.main`: flags, their rules, and what they lead to."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

import tzproxy
from tzproxy.cli import early, main, serve
from tzproxy.cli.serve import ServeOptions

Run = Callable[..., Result]


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[ServeOptions]:
    """Note with which options the gateway would run."""
    noted: list[ServeOptions] = []

    def note(options: ServeOptions) -> int:
        noted.append(options)
        return 3

    monkeypatch.setattr(serve, "run", note)
    return noted


def test_defaults(run: Run, served: list[ServeOptions]) -> None:
    """An empty configuration is enough; the exit status is the gateway's."""
    assert run("serve", "--default-config").exit_code == 3
    assert served == [ServeOptions(config_file=None)]
    options = served[0]
    assert (options.data_dir, options.log_format, options.workers) == (Path(".tzproxy"), "pretty", 1)
    assert (options.bind_address, options.mock_port, options.validate_and_exit) == (None, None, False)


def test_every_flag_arrives(run: Run, served: list[ServeOptions]) -> None:
    """Each flag of `serve` has its option."""
    result = run(
        *("serve", "--config-file", "a/**/*.toml", "--bind-address", "[::]:0", "--log-format", "json"),
        *("--data-dir", "d", "--workers", "2", "--mock-port", "9000", "--validate-and-exit"),
        "--wake-at-once",
    )
    assert result.exit_code == 3
    assert served == [
        ServeOptions(
            config_file="a/**/*.toml",
            bind_address="[::]:0",
            log_format="json",
            data_dir=Path("d"),
            workers=2,
            wake_at_once=True,
            mock_port=9000,
            validate_and_exit=True,
        )
    ]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "You must specify either `--config-file` or `--default-config`."),
        (
            ["--config-file", "x", "--default-config"],
            "You must not specify both `--config-file` and `--default-config`.",
        ),
        (
            ["--default-config", "--log-format", "xml"],
            "--log-format: invalid value 'xml', expected pretty or json",
        ),
        (
            ["--default-config", "--validate-and-exit", "--run-clickhouse-migrations"],
            "the flags --validate-and-exit and --run-clickhouse-migrations exclude each other",
        ),
        (["--default-config", "--expiration", "2030-01-01"], "--expiration requires --create-api-key"),
    ],
)
def test_rules(run: Run, served: list[ServeOptions], flags: list[str], message: str) -> None:
    """Flags that do not go together are refused with exit status 1, before anything is started."""
    result = run("serve", *flags)
    assert (result.exit_code, result.stderr) == (1, f"error: {message}\n")
    assert served == []


@pytest.mark.parametrize(
    "flags",
    [["--workers", "0"], ["--mock-port", "0"], ["--mock-port", "70000"], ["--zz"], ["positional"]],
)
def test_bad_values_are_usage_errors(run: Run, served: list[ServeOptions], flags: list[str]) -> None:
    """Values out of range and unknown flags end with the usage and status 2."""
    result = run("serve", "--default-config", *flags)
    assert result.exit_code == 2
    assert "Usage:" in result.stderr
    assert served == []


@pytest.mark.parametrize("flag", ["--run-clickhouse-migrations", "--run-migrations"])
def test_migrations_need_no_configuration(
    run: Run, served: list[ServeOptions], monkeypatch: pytest.MonkeyPatch, flag: str
) -> None:
    """Both names of the flag run migrations instead of the gateway, as the command does."""
    noted: list[Any] = []

    def note(data_dir: Path, log_format: str) -> int:
        noted.append((data_dir, log_format))
        return 4

    monkeypatch.setattr(early, "run_migrations", note)
    assert run("serve", flag, "--data-dir", "d", "--log-format", "json").exit_code == 4
    assert run("migrate", "--data-dir", "e").exit_code == 4
    assert noted == [(Path("d"), "json"), (Path("e"), "pretty")]
    assert served == []


def test_version_and_help(run: Run) -> None:
    """The version stands alone; help names the commands and the flags that have a use."""
    assert run("--version").stdout == f"tzproxy {tzproxy.__version__}\n"
    commands = run("--help").stdout
    assert all(command in commands for command in main.COMMANDS)
    flags = run("serve", "--help").stdout
    assert "--config-file" in flags


def test_no_arguments_show_the_help(run: Run) -> None:
    """Somebody who does not know what to type is told."""
    result = run()
    assert "Usage:" in result.output


def test_flags_alone_are_those_of_serve(monkeypatch: pytest.MonkeyPatch, served: list[ServeOptions]) -> None:
    """A command line of the original works as it is."""
    monkeypatch.setattr(sys, "argv", ["tzproxy", "--config-file", "c.toml"])
    with pytest.raises(SystemExit) as caught:
        main.main()
    assert caught.value.code == 3
    assert served == [ServeOptions(config_file="c.toml")]


def test_the_mock_has_its_own_flags(monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    """Everything after `mock` is the mock's; it says where it listens."""
    noted: list[Any] = []

    def note(options: Any, ready: Callable[[int], None]) -> None:
        noted.append(options)
        ready(1234)

    monkeypatch.setattr("tzproxy.mock.server.run_mock", note)
    result = run("mock", "--port", "0")
    assert result.exit_code == 0, result.output
    assert result.stdout == "mock provider on http://127.0.0.1:1234/v1/\n"
    assert noted[0].port == 0
