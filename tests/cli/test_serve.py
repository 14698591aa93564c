"""Tests of `tzproxy.cli.serve`: from options to what is started, and every way not to start."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from in_process import CHAT, MODEL
from tzproxy.cli import serve
from tzproxy.cli.reload import Reloads
from tzproxy.cli.serve import DEFAULT_ADDRESS, TWO_ADDRESSES, ServeOptions, bind_address, run
from tzproxy.cli.server import ServerSettings
from tzproxy.clickhouse.reconcile import MigrationReport
from tzproxy.config import load_config
from tzproxy.config.scalars import SocketAddress
from tzproxy.errors import ConfigError, StoreUnavailableError
from tzproxy.http.gateway import Gateway, WorkerSettings
from tzproxy.recording.options import RecorderOptions
from tzproxy.services import children, observing
from tzproxy.services.services import Services


class World:
    """Stands in for everything that `serve` starts; notes it in order."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.events: list[str] = []
        self.settings: ServerSettings | None = None
        self.worker: WorkerSettings | None = None
        self.recorder: RecorderOptions | None = None
        self.prepared: list[Any] = []
        self.store_failure: Exception | None = None
        self.while_serving: Callable[[Reloads], None] | None = None
        monkeypatch.setattr(observing, "is_engine_installed", lambda: True)
        monkeypatch.setattr(serve, "prepare_store", self.prepare)
        monkeypatch.setattr(serve, "prepare_keys", lambda url, loaded: self.events.append("keys"))
        monkeypatch.setattr(serve, "serve", self.serve)
        monkeypatch.setattr(children.Children, "start_store", self.start_store)
        monkeypatch.setattr(children.Children, "start_recorder", self.start_recorder)
        monkeypatch.setattr(serve, "MockProcess", self.start_mock)

    def start_store(self, data_dir: Path) -> str:
        """Note it."""
        self.events.append("store")
        return "http://embedded"

    def start_recorder(self, options: RecorderOptions) -> None:
        """Note it."""
        self.events.append("recorder")
        self.recorder = options

    @contextmanager
    def start_mock(self, *, port: int) -> Iterator[None]:
        """Note it."""
        self.events.append(f"mock {port}")
        yield

    def prepare(self, url: str, loaded: object, *, snapshot: Any = None) -> MigrationReport:
        """Note it."""
        self.events.append("prepared")
        self.prepared.append((url, snapshot))
        if self.store_failure is not None:
            raise self.store_failure
        return MigrationReport(database="db")

    def serve(self, settings: ServerSettings, reloads: Reloads, *, listening: Any) -> None:
        """Note it."""
        self.events.append("server")
        self.settings, self.worker = settings, reloads.current
        if self.while_serving is not None:
            self.while_serving(reloads)
        listening("127.0.0.1", 3000)
        listening("::", 3000)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """What would be started."""
    return World(monkeypatch)


def options(folder: Path, toml: str | None = None, **fields: Any) -> ServeOptions:
    """Options with a configuration file, or without any."""
    if toml is None:
        return ServeOptions(config_file=None, bind_address="127.0.0.1:0", **fields)
    (folder / "tensorzero.toml").write_text(toml, encoding="utf-8")
    fields.setdefault("bind_address", "127.0.0.1:0")
    return ServeOptions(config_file=str(folder / "tensorzero.toml"), **fields)


def test_everything_is_started_in_order(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Store, schema, recorder, mock, server; each gets what the configuration says."""
    assert run(options(tmp_path, MODEL + CHAT, mock_port=9001, workers=3)) == 0
    assert world.events == ["store", "prepared", "recorder", "mock 9001", "server"]
    data_dir = str(tmp_path / ".tzproxy")
    assert (tmp_path / ".tzproxy").stat().st_mode & 0o777 == 0o700
    assert world.worker is not None
    assert (world.worker.data_dir, world.worker.store_url) == (data_dir, "http://embedded")
    assert world.worker.rings_dir == f"{data_dir}/rings"
    assert not world.worker.synchronous
    assert world.settings is not None
    assert (world.settings.host, world.settings.workers) == ("127.0.0.1", 3)
    assert world.settings.port > 0
    assert world.recorder is not None
    assert (world.recorder.data_dir, world.recorder.store_url) == (data_dir, "http://embedded")
    assert Path(data_dir).is_dir()
    printed = capsys.readouterr().err
    assert "listening on http://127.0.0.1:3000" in printed
    assert "listening on http://[::]:3000" in printed


def test_workers_run_the_configuration_that_was_checked(world: World, tmp_path: Path) -> None:
    """A file that changes after the start does not reach a worker that is started again."""
    made = options(tmp_path, MODEL + CHAT)
    assert run(made) == 0
    (tmp_path / "tensorzero.toml").write_text("broken = ", encoding="utf-8")
    assert world.worker is not None
    Gateway(world.worker, {})


def test_the_snapshot_is_that_of_the_workers(world: World, tmp_path: Path) -> None:
    """The configuration noted in the store has the hash that rows will have."""
    assert run(options(tmp_path, MODEL + CHAT)) == 0
    ((url, snapshot),) = world.prepared
    assert url == "http://embedded"
    assert "[functions.f" in snapshot.config
    assert snapshot.hash > 0


def test_a_server_needs_no_embedded_store(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a URL in the environment that server is prepared; its password is not printed."""
    monkeypatch.setenv("TENSORZERO_CLICKHOUSE_URL", "http://user:password@host:8123/db")
    assert run(options(tmp_path, MODEL + CHAT)) == 0
    assert world.events == ["prepared", "recorder", "server"]
    assert world.prepared[0][0] == "http://user:password@host:8123/db"
    assert "password" not in capsys.readouterr().err


def test_observability_off_starts_the_server_alone(world: World, tmp_path: Path) -> None:
    """Nothing is recorded, no directory is made."""
    assert run(options(tmp_path, "[gateway.observability]\nenabled = false\n")) == 0
    assert world.events == ["server"]
    assert world.worker is not None
    assert (world.worker.rings_dir, world.worker.store_url) == (None, None)
    assert not (tmp_path / ".tzproxy").exists()


KEYS = "[gateway.auth]\nenabled = true\n"


def test_keys_are_looked_up_in_the_store_of_rows(world: World, tmp_path: Path) -> None:
    """With authentication on, workers are told where keys are; without it, nothing of the kind."""
    assert run(options(tmp_path, KEYS)) == 0
    assert world.worker is not None
    assert (world.worker.keys_url, world.worker.store_url) == ("http://embedded", "http://embedded")
    assert run(options(tmp_path, "")) == 0
    assert world.worker.keys_url is None


def test_keys_without_recording(world: World, tmp_path: Path) -> None:
    """With observability off the store is opened for keys alone: no rows, no look-ups of other kinds."""
    assert run(options(tmp_path, KEYS + "[gateway.observability]\nenabled = false\n")) == 0
    assert world.events == ["store", "keys", "server"]
    assert world.worker is not None
    assert (world.worker.keys_url, world.worker.store_url) == ("http://embedded", None)
    assert world.worker.rings_dir is None


def test_synchronous_writes_reach_the_workers(world: World, tmp_path: Path) -> None:
    """`async_writes = false` is told to workers and recorder."""
    assert run(options(tmp_path, "[gateway.observability]\nasync_writes = false\n")) == 0
    assert world.worker is not None
    assert world.worker.synchronous
    assert world.recorder is not None
    assert world.recorder.flush_at_once


def test_without_a_configuration(world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The default configuration starts, and says that it is one."""
    assert run(options(tmp_path)) == 0
    assert "running with the default configuration: only default functions exist" in capsys.readouterr().err
    assert world.events[-1] == "server"


def test_validation_goes_as_far_as_the_store(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--validate-and-exit` opens the store and nothing else, not even where the address is taken."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        assert run(options(tmp_path, MODEL, validate_and_exit=True, bind_address=address)) == 0
    assert world.events == ["store", "prepared"]
    assert "Configuration is valid. Exiting." in capsys.readouterr().err


def reload(world: World, folder: Path, toml: str) -> Callable[[Reloads], None]:
    """Make what happens while it serves: the file changes, and a reload is asked for and done."""

    def change(reloads: Reloads) -> None:
        (folder / "tensorzero.toml").write_text(toml, encoding="utf-8")
        done = threading.Event()
        reloads.request(done.set)
        assert done.wait(20.0)
        world.worker = reloads.current

    return change


def test_a_reload_gives_workers_the_newer_file(world: World, tmp_path: Path) -> None:
    """The next workers run the changed configuration, and the store has noted it."""
    world.while_serving = reload(world, tmp_path, MODEL + CHAT.replace("functions.f", "functions.g"))
    assert run(options(tmp_path, MODEL + CHAT)) == 0
    assert world.worker is not None
    assert "g" in Services(world.worker, {}).loaded.functions
    _, (url, snapshot) = world.prepared
    assert url == "http://embedded"
    assert "[functions.g" in snapshot.config


def test_what_a_reload_cannot_change_is_told(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """How rows are recorded stays as it was until the next start."""
    newer = MODEL + CHAT + "\n[gateway.observability]\nasync_writes = false\n"
    world.while_serving = reload(world, tmp_path, newer)
    assert run(options(tmp_path, MODEL + CHAT)) == 0
    assert world.worker is not None
    assert not world.worker.synchronous
    printed = capsys.readouterr().err
    assert "gateway.observability has changed: that takes effect at the next start" in printed
    assert "the address to listen on" not in printed


AUTH = "[gateway.auth]\nenabled = true\n"


def test_a_reload_may_demand_keys(world: World, tmp_path: Path) -> None:
    """Keys are looked up in the store that is open, also where the first workers asked for none."""
    world.while_serving = reload(world, tmp_path, AUTH + MODEL + CHAT)
    assert run(options(tmp_path, MODEL + CHAT)) == 0
    assert world.worker is not None
    assert world.worker.keys_url == "http://embedded"


def test_a_reload_does_not_open_a_store(world: World, tmp_path: Path) -> None:
    """Where keys cannot be looked up, a configuration that demands them is refused: it opens nothing."""
    off = "[gateway.observability]\nenabled = false\n"
    made = options(tmp_path, off)

    def change(reloads: Reloads) -> None:
        first = serve.check(made)
        (tmp_path / "tensorzero.toml").write_text(off + AUTH, encoding="utf-8")
        with pytest.raises(ConfigError, match=r"gateway\.auth\.enabled: no store has been opened"):
            serve.newer(made, first, reloads.current)

    world.while_serving = change
    assert run(made) == 0


# ---- ways not to start


def test_every_problem_is_told(world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All findings, one a line, then what the pattern stood for; nothing is started."""
    made = options(tmp_path, "zz = 1\n[gateway]\nyy = 2\n")
    assert run(made) == 1
    lines = capsys.readouterr().err.splitlines()
    assert any("zz" in line for line in lines)
    assert any("gateway.yy" in line for line in lines)
    assert lines[-1].endswith(f"Failed to load config from `{made.config_file}`: 2 problem(s)")
    assert all("ERROR" in line for line in lines)
    assert world.events == []


@pytest.mark.parametrize(
    ("toml", "files"),
    [
        (MODEL + CHAT + 'templates.a.path = "bad"\n', {"bad": "{% if %}"}),
        ('[functions.j]\ntype = "json"\noutput_schema = "bad"\nvariants = {}\n', {"bad": "{"}),
        (MODEL.replace('"none"', '"env::NO_SUCH_KEY"'), {}),
        ("not toml", {}),
    ],
)
def test_configurations_that_cannot_be_used(
    world: World, tmp_path: Path, toml: str, files: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Templates, schemas, keys and syntax are checked before anything is started."""
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert run(options(tmp_path, toml)) == 1
    assert "1 problem(s)" in capsys.readouterr().err
    assert world.events == []


def test_a_pattern_that_matches_nothing(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A missing file is told with the pattern."""
    assert run(ServeOptions(config_file=str(tmp_path / "missing.toml"))) == 1
    assert "No files matched the glob pattern" in capsys.readouterr().err


def test_a_store_that_does_not_answer(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line, status 1, and no recorder or server."""
    world.store_failure = StoreUnavailableError("ClickHouse is not healthy: away")
    assert run(options(tmp_path, MODEL)) == 1
    assert world.events == ["store", "prepared"]
    printed = capsys.readouterr().err
    assert "ClickHouse is not healthy: away" in printed
    assert "Traceback" not in printed


def test_migrations_that_may_not_run(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the store demands of the configuration is told like any problem of it."""
    world.store_failure = ConfigError(["clickhouse: migrations are due"])
    assert run(options(tmp_path, MODEL)) == 1
    assert "clickhouse: migrations are due" in capsys.readouterr().err


def test_an_address_that_is_taken(world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The most common mistake is one line that names the address; nothing is started."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert run(options(tmp_path, MODEL, bind_address=f"127.0.0.1:{port}")) == 1
    printed = capsys.readouterr().err
    assert re.search(rf"cannot listen on 127.0.0.1 port {port}: Address already in use", printed)
    assert "Traceback" not in printed
    assert world.events == []


def test_a_data_directory_that_cannot_be_made(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A read-only place is one line, not a trace."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert run(options(tmp_path, MODEL, data_dir=tmp_path / "file" / "data")) == 1
    printed = capsys.readouterr().err
    assert "Not a directory" in printed
    assert "Traceback" not in printed


# ---- the address


@pytest.mark.parametrize(
    ("flag", "variable", "configured", "expected"),
    [
        (None, None, None, DEFAULT_ADDRESS),
        (None, None, "[::1]:4000", SocketAddress("::1", 4000)),
        ("127.0.0.1:5000", None, None, SocketAddress("127.0.0.1", 5000)),
        (None, "127.0.0.1:6000", None, SocketAddress("127.0.0.1", 6000)),
        ("127.0.0.1:5000", "127.0.0.1:6000", None, SocketAddress("127.0.0.1", 5000)),
        ("0.0.0.0:0", None, None, SocketAddress("0.0.0.0", 0)),
        ("127.0.0.1:5000", None, "127.0.0.1:5000", TWO_ADDRESSES),
        ("localhost:5000", None, None, "--bind-address: invalid socket address syntax: localhost:5000"),
        ("5000", None, None, "--bind-address: invalid socket address syntax: 5000"),
    ],
)
def test_where_to_listen(
    tmp_path: Path, flag: str | None, variable: str | None, configured: str | None, expected: object
) -> None:
    """Flag, then variable, then configuration, then 0.0.0.0:3000; saying it twice is an error."""
    toml = "" if configured is None else f'[gateway]\nbind_address = "{configured}"\n'
    (tmp_path / "tensorzero.toml").write_text(toml, encoding="utf-8")
    environ = {} if variable is None else {"TENSORZERO_GATEWAY_BIND_ADDRESS": variable}
    loaded = load_config(str(tmp_path / "tensorzero.toml"), environ=environ)
    made = ServeOptions(config_file=None, bind_address=flag)
    if isinstance(expected, str):
        with pytest.raises(ConfigError) as caught:
            bind_address(made, loaded)
        assert caught.value.problems == [expected]
    else:
        assert bind_address(made, loaded) == expected


def test_warnings_are_told_before_the_first_request(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Deprecations, and what is configured but not built, are in the log."""
    made = options(tmp_path, "[gateway.observability]\ndisable_automatic_migrations = true\n")
    assert run(msgspec.structs.replace(made, log_format="json")) == 0
    lines = [msgspec.json.decode(line) for line in capsys.readouterr().err.splitlines()]
    assert any(
        line["level"] == "WARNING" and "disable_automatic_migrations" in line["message"] for line in lines
    )
