"""Tests of `tzproxy.client.omit`."""

from __future__ import annotations

import copy
import pickle

from tzproxy import OMIT


def test_there_is_one() -> None:
    """Copies and pickles of the mark are the mark."""
    assert all(
        twin is OMIT for twin in (copy.copy(OMIT), copy.deepcopy(OMIT), pickle.loads(pickle.dumps(OMIT)))
    )
    assert repr(OMIT) == "OMIT"
