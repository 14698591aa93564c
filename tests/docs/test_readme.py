"""The README against reality: its commands run, its tables are true, its links lead somewhere."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import httpx
import pytest

from docs.documents import LINK, ROOT, anchors, documents, examples
from e2e.processes import Gateway
from tzproxy.cli.main import app

README = ROOT / "README.md"


@pytest.mark.e2e
def test_the_commands_work_as_they_stand(gateway: Gateway) -> None:
    """Each marked command, run in order as it stands, prints what the README says it shows.

    Only the address differs: tests listen on a free port.
    """
    blocks = examples(README)
    assert len(blocks) >= 9
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    for block in blocks:
        command = {"sh": ["bash", "-euo", "pipefail"], "python": [sys.executable]}[block.language]
        done = subprocess.run(
            command,
            input=block.code.replace("localhost:3000", f"127.0.0.1:{gateway.port}"),
            cwd=gateway.folder,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, f"line {block.line}: {done.stderr}"
        assert block.shows in done.stdout, f"line {block.line}: {done.stdout}{done.stderr}"


def provider_table() -> ModuleType:
    """Load the script that writes the table of providers."""
    spec = importlib.util.spec_from_file_location("provider_table", ROOT / ".ci" / "provider_table.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_table_of_providers_is_current() -> None:
    """The table of providers is the one that the code's capabilities make; `make fix` writes it."""
    text = README.read_text()
    assert provider_table().replaced(text) == text


def test_a_document_without_markers_is_refused() -> None:
    """The script does not touch a document that has no place for the table."""
    with pytest.raises(SystemExit, match="no markers"):
        provider_table().replaced("# A document\n")


def routes_by_state() -> dict[str, list[tuple[str, str]]]:
    """Return the routes of the README's table as (method, path), by what stands beside them."""
    states: dict[str, list[tuple[str, str]]] = {"yes": [], "not yet": []}
    for cell, state in re.findall(
        r"^\| (`[A-Z]+ /.*) \| (yes|not yet) \|$", README.read_text(), re.MULTILINE
    ):
        states[state] += re.findall(r"`([A-Z]+) (/[^`]*)`", cell)
    return states


def test_no_route_is_missing() -> None:
    """The table has every route of the original, and all of them are there."""
    assert routes_by_state()["not yet"] == []


@pytest.mark.e2e
def test_promised_routes_exist(gateway: Gateway) -> None:
    """A gateway has every route that the table of routes promises."""
    promised = routes_by_state()["yes"]
    assert ("POST", "/inference") in promised
    for method, path in promised:
        url = gateway.url + path.replace("{", "").replace("}", "")
        content = b"{}" if method == "POST" else b""
        answer = httpx.request(method, url, content=content, headers={"authorization": "x"}, timeout=30)
        assert answer.status_code not in (405, 501), path
        assert "Route not found" not in answer.text


def test_flags_of_the_readme_exist() -> None:
    """Every long flag the README shows is one of `tzproxy`, or of a tool it calls by name."""
    flags = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", README.read_text()))
    known = {"--data-binary", "--version"}
    groups = [group.typer_instance for group in app.registered_groups if group.typer_instance is not None]
    for command in [command for part in (app, *groups) for command in part.registered_commands]:
        assert command.callback is not None
        for hint in command.callback.__annotations__.values():
            known |= set(re.findall(r"--[a-z][a-z-]+", repr(hint)))
    source = (ROOT / "tzproxy" / "cli" / "main.py").read_text()
    known |= set(re.findall(r'"(--[a-z-]+)"', source))
    assert not flags - known


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    """Every relative link of a document names a file of the repository, and a heading that it has."""
    for match in LINK.finditer(document.read_text()):
        target = (document.parent / match["path"]).resolve() if match["path"] else document
        assert target.exists(), match[0]
        if match["anchor"]:
            assert match["anchor"] in anchors(target), match[0]
