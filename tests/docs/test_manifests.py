"""The Kubernetes manifests and the container file against what the gateway really has."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from docs.documents import ROOT
from e2e.processes import COMMAND
from tzproxy.config import load_config

MANIFESTS = sorted((ROOT / "config" / "kubernetes").glob("*.yaml"))
DOCKERFILE = ROOT / "config" / "container" / "Dockerfile"
ENVIRON = {"OPENAI_API_KEY": "sk-made-up"}


def objects(path: Path) -> list[dict[str, Any]]:
    """Return a manifest's objects."""
    return [found for found in yaml.safe_load_all(path.read_text()) if found]


def pod_of(path: Path) -> dict[str, Any]:
    """Return the one pod template of a manifest."""
    (deployment,) = [found for found in objects(path) if found["kind"] == "Deployment"]
    pod: dict[str, Any] = deployment["spec"]["template"]["spec"]
    return pod


def gateway_of(path: Path) -> dict[str, Any]:
    """Return the gateway's container."""
    pod = pod_of(path)
    containers = [*pod["containers"], *pod.get("initContainers", [])]
    (gateway,) = [container for container in containers if container["name"] == "tzproxy"]
    found: dict[str, Any] = gateway
    return found


def texts(value: Any) -> Iterator[str]:
    """Yield all strings inside a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from texts(part)


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.stem)
def test_the_configuration_in_a_manifest_loads(path: Path, tmp_path: Path) -> None:
    """The ConfigMap's configuration is valid and raises no warning."""
    (config,) = [found for found in objects(path) if found["kind"] == "ConfigMap"]
    (name,) = config["data"]
    (tmp_path / name).write_text(config["data"][name])
    loaded = load_config(str(tmp_path / name), environ=ENVIRON)
    assert not loaded.warnings
    assert "draft_reply" in loaded.config.functions


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.stem)
def test_a_manifest_fits_the_gateway(path: Path) -> None:
    """Probes ask `/status`, files are mounted where flags look for them, and the end has time."""
    gateway, pod = gateway_of(path), pod_of(path)
    for probe in [value for key, value in gateway.items() if key.endswith("Probe")]:
        assert any("/status" in text for text in texts(probe))
        assert probe.get("httpGet", {"port": "http"})["port"] == "http"
    mounts = {mount["mountPath"]: mount["name"] for mount in gateway["volumeMounts"]}
    volumes = {volume["name"] for volume in pod["volumes"]}
    arguments = gateway["args"]
    config = Path(arguments[arguments.index("--config-file") + 1])
    assert str(config.parent) in mounts
    assert arguments[arguments.index("--data-dir") + 1] in mounts
    assert set(mounts.values()) <= volumes
    assert pod["terminationGracePeriodSeconds"] >= 55
    secrets = {entry["name"]: entry["valueFrom"]["secretKeyRef"]["key"] for entry in gateway["env"]}
    described = (ROOT / "config" / "README.md").read_text()
    assert "TENSORZERO_CLICKHOUSE_URL" in secrets
    assert all(f"--from-literal={key}=" in described for key in secrets.values())


@pytest.mark.e2e
@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.stem)
def test_the_flags_in_a_manifest_are_known(path: Path) -> None:
    """The command line takes every flag that a manifest gives."""
    done = subprocess.run([COMMAND, "serve", "--help"], capture_output=True, text=True, timeout=60)
    for argument in gateway_of(path)["args"]:
        if argument.startswith("--"):
            assert argument in done.stdout


def test_the_container_file_fits_the_repository() -> None:
    """What the container file copies and starts exists, and it does not run as root."""
    text = DOCKERFILE.read_text()
    for source in re.findall(r"^COPY (?!--from)(\S+) ", text, re.MULTILINE):
        assert (ROOT / source).exists(), source
    (command,) = re.findall(r"^CMD (\[.*\])$", text, re.MULTILINE)
    config = json.loads(command)[2]
    assert (ROOT / config.lstrip("/")).exists()
    assert re.search(r"^USER [1-9]", text, re.MULTILINE)
    port = json.loads(command)[-1]
    assert f"127.0.0.1:{port}/" in (ROOT / "config" / "tensorzero.toml").read_text()
