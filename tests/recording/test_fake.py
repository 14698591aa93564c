"""The store in memory behaves as ClickHouse does where the recorder relies on it."""

import pytest

from tzproxy.clickhouse.client import StatementError
from tzproxy.errors import StoreUnavailableError
from tzproxy.recording.fake import FakeStore


def test_a_token_stores_once(store: FakeStore) -> None:
    """The same token again is acknowledged without effect; without tokens each statement counts."""
    for token in ("a", "a", "b", None, None):
        store.insert_json("ChatInference", b"1\n2", dedup_token=token)
    assert store.counts("ChatInference") == {b"1": 4, b"2": 4}
    assert store.counts() == store.counts("ChatInference")
    assert len(store.statements) == 5


def test_faults(store: FakeStore) -> None:
    """Away stores nothing, cut stores all, a missing table and poison refuse."""
    answers = iter(["away", "no table", "cut", None])
    store.fault = lambda *_: next(answers)
    with pytest.raises(StoreUnavailableError):
        store.insert_json("ChatInference", b"1", dedup_token="a")
    with pytest.raises(StatementError) as missing:
        store.insert_json("ChatInference", b"1", dedup_token="a")
    assert not missing.value.rejects_rows
    assert not store.counts()
    with pytest.raises(StoreUnavailableError):
        store.insert_json("ChatInference", b"1", dedup_token="a")
    assert store.counts() == {b"1": 1}
    with pytest.raises(StatementError) as refused:
        store.insert_json("ChatInference", b"2\npoison", dedup_token="b")
    assert refused.value.rejects_rows
    store.fault = lambda *_: "refused"
    with pytest.raises(StatementError):
        store.insert_json("ChatInference", b"3", dedup_token="c")
    assert store.counts() == {b"1": 1}
