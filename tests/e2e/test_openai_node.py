"""The published `openai` client for Node against a real gateway, and the rows of its calls."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from e2e.processes import Gateway

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(
        shutil.which("node") is None or shutil.which("npm") is None, reason="Node.js or npm is not installed"
    ),
]
SCRIPT = Path(__file__).with_name("openai_node.mjs")
INSTALL = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"]


@pytest.fixture(scope="module")
def seen(gateway: Gateway, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Install the client from the registry and let the script make its calls."""
    folder = tmp_path_factory.mktemp("node")
    (folder / "package.json").write_text('{"private": true}')
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    # The client's seventh version asks for Node.js 22.
    client = "openai@7" if int(version.lstrip("v").partition(".")[0]) >= 22 else "openai@6"
    subprocess.run([*INSTALL, client], cwd=folder, check=True, timeout=110)
    script = shutil.copy(SCRIPT, folder)
    done = subprocess.run(
        ["node", script, gateway.openai_url], cwd=folder, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


def test_a_completion_and_its_rows(gateway: Gateway, seen: dict[str, Any]) -> None:
    """A plain call with extras of the gateway is answered and stored."""
    plain = seen["plain"]
    (row,) = gateway.rows_of(plain["id"])
    assert (row["variant_name"], row["tags"]["from"]) == ("brief", "node")
    assert str(row["episode_id"]) == plain["episode"]
    assert json.loads(row["output"])[0]["text"] == plain["text"]
    assert len(gateway.rows_of(plain["id"], "ModelInference")) == 1


def test_a_stream_and_its_rows(gateway: Gateway, seen: dict[str, Any]) -> None:
    """A stream arrives in pieces with its usage, and is stored whole."""
    streamed = seen["streamed"]
    assert len(streamed["pieces"]) > 10
    assert streamed["usage"]["completion_tokens"] > 10
    (row,) = gateway.rows_of(streamed["id"])
    assert json.loads(row["output"])[0]["text"] == "".join(streamed["pieces"])


def test_a_tool_call_and_its_row(gateway: Gateway, seen: dict[str, Any]) -> None:
    """A tool call arrives as the client expects it, and is stored."""
    (call,) = seen["tools"]["calls"]
    assert (seen["tools"]["finish"], call["function"]["name"]) == ("tool_calls", "get_temperature")
    (row,) = gateway.rows_of(seen["tools"]["id"])
    assert json.loads(row["output"])[0]["id"] == call["id"]


def test_an_error_becomes_the_clients_error(seen: dict[str, Any]) -> None:
    """An unknown function is the client's `NotFoundError` with our text."""
    assert (seen["refusal"]["name"], seen["refusal"]["status"]) == ("NotFoundError", 404)
    assert "Unknown function: nobody" in seen["refusal"]["message"]
