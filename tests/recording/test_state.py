"""The recorder's memory: a commit is whole or has not happened."""

from __future__ import annotations

from pathlib import Path

import pytest

from tzproxy.errors import StoreError
from tzproxy.recording.state import Range, Refusal, RingState, StateFile, read_state


def test_round_trip(tmp_path: Path) -> None:
    """What was committed is what the next life finds."""
    path = tmp_path / "deep" / "recorder.state"
    file = StateFile(path)
    assert not file.found
    assert read_state(path) is None
    file.state.rings["aa"] = RingState(acked=8, taken=[1] * 32)
    file.state.sending = [Range("aa", 0, 8)]
    file.state.refusals = [Refusal(1, 0, 4), Refusal(1, 0, 1, "bad")]
    file.state.stored[3] = 7
    file.commit()
    file.state.stored[3] = 8
    file.commit(durable=True)
    file.state.stored[3] = 9
    file.close()
    again = StateFile(path)
    assert again.found
    assert again.state == read_state(path)
    assert again.state.stored[3] == 8
    assert again.state.refusals[1].verdict == "bad"
    again.close()


@pytest.mark.parametrize("spoil_newest", [True, False])
def test_a_torn_write_leaves_the_state_before(tmp_path: Path, spoil_newest: bool) -> None:
    """Whatever happens to one slot, the other one still counts."""
    path = tmp_path / "recorder.state"
    file = StateFile(path)
    for number in (1, 2, 3):
        file.state.stored[0] = number
        file.commit()
    file.close()
    raw = bytearray(path.read_bytes())
    # Generations 2 and 3 lie in slots 0 and 1.
    raw[(256 * 1024 if spoil_newest else 0) + 30] ^= 1
    path.write_bytes(raw)
    state = read_state(path)
    assert state is not None
    assert state.stored[0] == (2 if spoil_newest else 3)


def test_file_is_private_and_absent_is_none(tmp_path: Path) -> None:
    """Only the owner may read it; no file means no state."""
    path = tmp_path / "recorder.state"
    assert read_state(path) is None
    StateFile(path).close()
    assert path.stat().st_mode & 0o777 == 0o600


def test_outgrown_state_is_refused(tmp_path: Path) -> None:
    """A state that does not fit its slot raises and leaves the last commit in place."""
    path = tmp_path / "recorder.state"
    file = StateFile(path)
    file.commit()
    file.state.folded = ["x" * 1000] * 300
    with pytest.raises(StoreError, match="outgrown"):
        file.commit()
    state = read_state(path)
    assert state is not None
    assert state.folded == []
    file.close()
