"""Tests of `tzproxy.cli.keys`: keys made, listed and disabled, with a store that runs and without one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tzproxy.auth.key import read_key
from tzproxy.cli import keys
from tzproxy.clickhouse import StoreClient
from tzproxy.clickhouse.embedded import EmbeddedStore
from tzproxy.clickhouse.embedded.running import running_store
from tzproxy.clickhouse.queries.api_keys import ApiKeyTable


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStore]:
    """An embedded store as a gateway would be running it."""
    pytest.importorskip("chdb", reason="the embedded extra is not installed")
    with EmbeddedStore(tmp_path_factory.mktemp("running"), nice=0) as running:
        yield running


@pytest.fixture
def table(store: EmbeddedStore) -> Iterator[ApiKeyTable]:
    """The table in it."""
    client = StoreClient(store.url)
    yield ApiKeyTable(client)
    client.close()


def test_beside_a_running_gateway(
    store: EmbeddedStore, table: ApiKeyTable, capsys: pytest.CaptureFixture[str]
) -> None:
    """The key stands alone on stdout, its row is in the running store, and disabling works by its id."""
    folder = store.place.data_dir
    assert keys.create(folder, "pretty", "2999-01-01T00:00:00Z", description="for tests") == 0
    printed = capsys.readouterr()
    text = printed.out.removesuffix("\n")
    key = read_key(text)
    assert text[-48:] not in printed.err
    stored = table.find(key.public_id)
    assert stored is not None
    assert (stored.secret_hash, stored.description) == (key.secret_hash, "for tests")
    assert keys.disable(folder, "pretty", key.public_id) == 0
    printed = capsys.readouterr()
    assert printed.out == ""
    assert f"API key {key.public_id} is disabled since 20" in printed.err
    assert keys.show(folder, "pretty") == 0
    heading, line = capsys.readouterr().out.splitlines()
    assert heading == "public id\tcreated\texpires\tdisabled\tdescription"
    assert re.fullmatch(
        rf"{key.public_id}\t20\S+ \S+ UTC\t2999-01-01 00:00:00 UTC\t20\S+ \S+ UTC\tfor tests", line
    )
    assert key.secret_hash not in line


def test_a_key_that_does_not_exist(store: EmbeddedStore, capsys: pytest.CaptureFixture[str]) -> None:
    """It cannot be disabled, which is an error that names it."""
    assert keys.disable(store.place.data_dir, "json", "nobody") == 1
    assert "There is no API key with the public id `nobody`" in capsys.readouterr().err


def test_keys_of_a_tensorzero(
    store: EmbeddedStore, table: ApiKeyTable, capsys: pytest.CaptureFixture[str]
) -> None:
    """They are stored together, or, with one mistake, not at all."""
    good = f"abcdefghijkl,{'0a' * 32}"
    folder = store.place.data_dir
    assert keys.take_over(folder, "pretty", ["public_id,hash", good, "mnopqrstuvwx,short"]) == 1
    assert "line 3: hash: not 64 hexadecimal digits" in capsys.readouterr().err
    assert keys.take_over(folder, "pretty", ["public_id,hash"]) == 0
    assert table.find("abcdefghijkl") is None
    assert keys.take_over(folder, "pretty", ["public_id,hash", good]) == 0
    assert "1 API keys are here now" in capsys.readouterr().err
    stored = table.find("abcdefghijkl")
    assert stored is not None
    assert stored.secret_hash == "0a" * 32


def test_without_a_gateway(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The store is started for the command and stopped after it; what it wrote is there the next time."""
    pytest.importorskip("chdb", reason="the embedded extra is not installed")
    folder = tmp_path / "data"
    assert running_store(folder) is None
    assert keys.create(folder, "pretty", None) == 0
    public_id = read_key(capsys.readouterr().out.strip()).public_id
    assert folder.stat().st_mode & 0o777 == 0o700
    assert running_store(folder) is None
    assert keys.show(folder, "pretty") == 0
    printed = capsys.readouterr()
    assert f"\n{public_id}\t" in printed.out
    assert printed.err == ""


def test_a_server(
    store: EmbeddedStore,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With a URL in the environment keys go there; nothing is made on this machine."""
    monkeypatch.setenv("TENSORZERO_CLICKHOUSE_URL", store.url.rpartition("/")[0] + "/elsewhere")
    assert keys.create(tmp_path / "data", "pretty", None) == 0
    public_id = read_key(capsys.readouterr().out.strip()).public_id
    assert keys.show(tmp_path / "data", "pretty") == 0
    assert public_id in capsys.readouterr().out
    assert not (tmp_path / "data").exists()


def test_a_server_that_is_away(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The failure is told, without the password, and nothing is printed that looks like a key."""
    monkeypatch.setenv("TENSORZERO_CLICKHOUSE_URL", "http://user:password@127.0.0.1:9/db")
    assert keys.create(tmp_path, "pretty", None) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "ClickHouse is not healthy" in printed.err
    assert "password" not in printed.err


@pytest.mark.parametrize(
    ("expiration", "problem"),
    [("soon", "is no date and time"), ("2001-01-01T00:00:00Z", "is in the past")],
)
def test_bad_expirations(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], expiration: str, problem: str
) -> None:
    """They are found before a store is opened."""
    assert keys.create(tmp_path / "data", "pretty", expiration) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert f"--expiration: `{expiration}` {problem}" in printed.err
    assert not (tmp_path / "data").exists()


def test_a_directory_that_cannot_be_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A data directory that cannot be written is a message, not a trace."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert keys.create(tmp_path / "file" / "data", "pretty", None) == 1
    errors = capsys.readouterr().err
    assert "Not a directory" in errors
    assert "Traceback" not in errors
