"""Rows that the original gateway wrote, listed by it and by ours."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from e2e.processes import Gateway

pytestmark = pytest.mark.e2e


def test_both_list_the_same_rows_of_the_original(own_gateway: Gateway) -> None:
    """Every list, every refusal and every field is the same, whichever gateway is asked."""
    script = Path(__file__).with_name("original_lists.py")
    config = own_gateway.folder / "config" / "tensorzero.toml"
    run = subprocess.run(
        [sys.executable, str(script), str(config), own_gateway.store_url, own_gateway.url],
        capture_output=True,
        text=True,
        timeout=150,
        cwd=own_gateway.folder,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-4000:]
    answers = json.loads(run.stdout.splitlines()[-1])
    for name, original, ours in answers:
        assert ours == original, name
    assert sum(original not in ("[]", "") for _, original, _ in answers) > 40
