"""Rows that the original gateway wrote, listed by it and by ours."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from e2e.processes import Gateway

pytestmark = pytest.mark.e2e


METRICS = """
[metrics]
rating = { type = "float", optimize = "max", level = "inference" }
calm = { type = "float", optimize = "max", level = "episode" }
"""


def test_both_list_the_same_rows_of_the_original(tmp_path: Path) -> None:
    """Every list, every refusal and every field is the same, whichever gateway is asked."""
    script = Path(__file__).with_name("original_lists.py")
    with Gateway(tmp_path, extra_config=METRICS) as gateway:
        config = str(tmp_path / "config" / "t*.toml")
        run = subprocess.run(
            [sys.executable, str(script), config, gateway.store_url, gateway.url],
            capture_output=True,
            text=True,
            timeout=400,
            cwd=tmp_path,
            check=False,
        )
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-4000:]
    answers = json.loads(run.stdout.splitlines()[-1])
    for name, original, ours in answers:
        assert ours == original, name
    assert sum(original not in ("[]", "") for _, original, _ in answers) > 40
