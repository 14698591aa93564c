"""What the recorder process is told."""

from pathlib import Path

import msgspec

from tzproxy.recording.options import RecorderOptions


def test_paths_and_round_trip() -> None:
    """Everything lies under the data directory unless told otherwise, and survives the pipe."""
    options = RecorderOptions(data_dir="/data", store_url="http://u:p@h:1/d")
    assert msgspec.json.decode(msgspec.json.encode(options), type=RecorderOptions) == options
    assert options.rings_path == Path("/data/rings")
    assert options.spool_path == Path("/data/spool")
    assert options.rejected_path == Path("/data/rejected")
    assert options.state_path == Path("/data/recorder.state")
    assert RecorderOptions(data_dir="/data", rings_dir="/dev/shm/x").rings_path == Path("/dev/shm/x")
    assert repr(options) == "RecorderOptions(data_dir='/data')"
