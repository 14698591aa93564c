"""The mock's counters."""

from __future__ import annotations

import msgspec

from tzproxy.mock.stats import Stats


def test_reset_keeps_the_open_connections() -> None:
    """A reset clears what was counted, not what is still open."""
    stats = Stats(requests=3, streams=2, cancelled_streams=1, open_connections=4)
    stats.count_model("m")
    stats.count_status(200)
    assert msgspec.json.decode(stats.to_json())["by_status"] == {"200": 1}
    stats.reset()
    assert stats == Stats(open_connections=4)
