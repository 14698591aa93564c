"""Tests of `tzproxy.services.metrics_folder`: the figures of the dead stay, their files do not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tzproxy.inference.metrics import GatewayMetrics
from tzproxy.services import metrics_folder
from tzproxy.services.metrics_folder import MetricsFolder

LIFE = """
import sys
from pathlib import Path
from tzproxy.inference.metrics import GatewayMetrics
from tzproxy.services.metrics_folder import MetricsFolder
own = GatewayMetrics([0.1])
own.count_tokens(1, 10)
own.observe_overhead("f", "v", 0.25)
MetricsFolder(Path(sys.argv[1])).leave(own.state())
"""


def live_and_die(folder: Path) -> None:
    """Have a worker's process leave its figures and end."""
    subprocess.run([sys.executable, "-c", LIFE, folder], check=True)


def sum_of(folder: MetricsFolder) -> dict[str, float]:
    """Add up what a worker finds in the folder."""
    total = GatewayMetrics([0.1])
    for state in folder.others():
        total.add(state)
    return {
        sample.name + sample.labels.get("le", ""): sample.value
        for family in total.collect()
        for sample in family.samples
    }


def test_the_dead_are_added_up_in_one_file(tmp_path: Path) -> None:
    """Whoever lives on finds all figures, and no file for each worker there was."""
    folder = MetricsFolder(tmp_path)
    own = GatewayMetrics([0.1])
    own.count_tokens(1000, None)
    folder.leave(own.state())
    for deaths in range(1, 4):
        live_and_die(tmp_path)
        assert sum_of(folder)["tensorzero_input_tokens_total"] == deaths
        folder.fold(GatewayMetrics([0.1]))
        found = sum_of(folder)
        assert found["tensorzero_input_tokens_total"] == deaths
        assert found["tensorzero_output_tokens_total"] == 10 * deaths
        assert found["tensorzero_inference_latency_overhead_seconds_bucket+Inf"] == deaths
        assert found["tensorzero_inference_latency_overhead_seconds_sum"] == 0.25 * deaths
        assert len(list(tmp_path.iterdir())) == 3
    assert sum_of(MetricsFolder(tmp_path))["tensorzero_input_tokens_total"] == 1003


def test_a_fold_that_is_cut_short_counts_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that could not be removed is known to be in the sum, and is removed the next time."""

    def refuse(file: Path) -> None:
        raise OSError("no")

    live_and_die(tmp_path)
    folder = MetricsFolder(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refuse)
        with pytest.raises(OSError, match="no"):
            folder.fold(GatewayMetrics([0.1]))
    assert list(tmp_path.glob("*.metrics"))
    assert sum_of(folder)["tensorzero_input_tokens_total"] == 1
    folder.fold(GatewayMetrics([0.1]))
    assert not list(tmp_path.glob("*.metrics"))
    assert sum_of(folder)["tensorzero_input_tokens_total"] == 1


def test_a_process_of_somebody_else_counts_as_alive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A number that was taken again keeps the file where it is; nothing is lost of it."""

    def refuse(pid: int, number: int) -> None:
        raise PermissionError

    live_and_die(tmp_path)
    folder = MetricsFolder(tmp_path)
    monkeypatch.setattr(metrics_folder.os, "kill", refuse)
    folder.fold(GatewayMetrics([0.1]))
    assert len(list(tmp_path.glob("*.metrics"))) == 1
    assert sum_of(folder)["tensorzero_input_tokens_total"] == 1


def test_what_has_not_changed_is_not_written(tmp_path: Path) -> None:
    """An idle worker leaves its file alone; its name says whose it is."""
    own = GatewayMetrics([])
    folder = MetricsFolder(tmp_path)
    own.count_tokens(1, 1)
    folder.leave(own.state())
    (file,) = tmp_path.iterdir()
    assert file.name.startswith(f"{os.getpid()}-")
    file.unlink()
    folder.leave(own.state())
    assert not list(tmp_path.iterdir())
    own.count_tokens(1, 1)
    folder.leave(own.state())
    assert list(tmp_path.iterdir()) == [file]
