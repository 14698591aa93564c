"""What the recorder's tests share: a data directory, a store, recorders that are driven by hand."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tzproxy.recording.fake import FakeStore
from tzproxy.recording.options import RecorderOptions
from tzproxy.recording.recorder import Recorder
from tzproxy.recording.sink import RingSink

StartRecorder = Callable[..., Recorder]
OpenSink = Callable[..., RingSink]


@pytest.fixture
def store() -> FakeStore:
    """A store without faults."""
    return FakeStore()


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """An empty data directory."""
    return tmp_path / "data"


@pytest.fixture
def open_sink(data_dir: Path) -> Iterator[OpenSink]:
    """Open sinks that are closed at the end."""
    sinks: list[RingSink] = []

    def open_one(name: str = "worker-0", capacity_bytes: int = 1 << 16) -> RingSink:
        sinks.append(RingSink(data_dir / "rings" / f"{name}.ring", capacity_bytes))
        return sinks[-1]

    yield open_one
    for sink in sinks:
        sink.close()


@pytest.fixture
def start_recorder(data_dir: Path, store: FakeStore) -> Iterator[StartRecorder]:
    """Make recorders that are driven by hand and closed at the end."""
    recorders: list[Recorder] = []

    def start(**options: object) -> Recorder:
        settings: dict[str, object] = {"data_dir": str(data_dir), "longest_retry_ms": 5, **options}
        recorders.append(Recorder(RecorderOptions(**settings), lambda: store))  # type: ignore[arg-type]
        return recorders[-1]

    yield start
    for recorder in recorders:
        recorder.close()


@pytest.fixture
def run_until() -> Callable[[Recorder, Callable[[], bool]], None]:
    """Step a recorder until a condition holds."""

    def run(recorder: Recorder, condition: Callable[[], bool], *, draining: bool = True) -> None:
        deadline = time.monotonic() + 20
        while not condition():
            assert time.monotonic() < deadline, "the recorder did not get there"
            delay_s = recorder.step(draining=draining)
            if not condition():
                recorder.wake.wait(min(delay_s, 0.002))
                recorder.wake.clear()

    return run
