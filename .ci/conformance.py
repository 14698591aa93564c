"""Plays the conformance suite against this checkout and holds the result against the list of known gaps.

Starts the suite's mock providers and ClickHouse stand-in and the gateway on free ports (the mock's two are
fixed by the suite's configuration), plays all cases, and fails on any failing case that is not in
`not-yet-passing.txt`, and on any case in that list which passes or is no case: the list may only shrink.

`--write-gaps` brings the list up to date: cases that pass leave it, cases that fail are added at its end by
area; comment lines stay with the cases below them.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

HERE = Path(__file__).resolve().parent
KNOWN_GAPS = HERE / "not-yet-passing.txt"
MOCK_URL = "http://127.0.0.1:9491"
START_S = 60.0
RETRIES = 2
PLAY_S = 1200.0
FIXED_PORTS = (9491, 9492)
LOG_CHARACTERS = 3000


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def check_free(ports: tuple[int, ...]) -> None:
    """End the run when someone else has a port that the suite's configuration fixes."""
    for port in ports:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as exc:
                sys.exit(f"port {port}, which the suite needs, is taken: {exc.strerror}")


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return once something answers there; end the run, with the end of the log, when it does not."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            said = log.read_text(errors="replace")[-LOG_CHARACTERS:]
            sys.exit(f"{process.args!r} ended with status {process.returncode}:\n{said}")
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    sys.exit(f"nothing answers at {url}")


def start(stack: ExitStack, command: list[str], log: Path, env: dict[str, str], url: str) -> None:
    """Start a process that ends with the stack, and wait until it answers."""
    output = stack.enter_context(log.open("wb"))
    process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=env)
    stack.callback(end, process)
    wait_for(url, process, log)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process of ours."""
    process.terminate()
    try:
        process.wait(40)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def suite_environment(suite: Path, certs: Path, clickhouse: str) -> dict[str, str]:
    """Return the environment that the suite's configuration expects."""
    env = dict(os.environ)
    for line in (suite / "config" / "env").read_text().splitlines():
        name, _, value = line.partition("=")
        if name:
            env[name] = value
    env |= {
        "HTTPS_PROXY": "http://127.0.0.1:9492",
        "SSL_CERT_FILE": str(certs / "ca.pem"),
        "GCP_VERTEX_CREDENTIALS_PATH": str(certs / "gcp.json"),
        # The suite's files come from its mock on this machine.
        "TZPROXY_ALLOW_PRIVATE_FILE_URLS": "1",
        "TENSORZERO_CLICKHOUSE_URL": clickhouse,
    }
    return env


def play(suite: Path, work: Path, arguments: list[str]) -> dict[str, bool]:
    """Run the suite's runner; show what fails unexpectedly; return case to passed."""
    report = work / "report.jsonl"
    report.unlink(missing_ok=True)
    command = [sys.executable, str(suite / "run.py"), "--json-report", str(report), *arguments]
    done = subprocess.run(
        command, check=False, timeout=PLAY_S, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if not report.exists():
        sys.exit(f"the suite's runner ended with status {done.returncode} and no report:\n{done.stdout}")
    show_unexpected(done.stdout)
    return {row["case"]: row["passed"] for row in map(json.loads, report.read_text().splitlines())}


def show_unexpected(output: str) -> None:
    """Print the runner's output without the cases that pass and those known to fail."""
    gaps = known_gaps()
    is_shown = True
    for line in output.splitlines():
        mark, _, case = line.partition(" ")
        if mark in ("ok", "FAIL"):
            is_shown = mark == "FAIL" and case.strip() not in gaps
        elif not line.startswith(" "):
            is_shown = True
        if is_shown:
            sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def run(suite: Path, filters: list[str], keep: Path | None) -> dict[str, bool]:
    """Start everything, play all cases; return case to passed."""
    with ExitStack() as stack:
        work = keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tzproxy-conformance-")))
        work.mkdir(parents=True, exist_ok=True)
        certs, store_port, port = work / "certs", free_port(), free_port()
        plain = dict(os.environ)
        check_free(FIXED_PORTS)
        mock = [sys.executable, str(suite / "mock_providers.py"), "--certs", str(certs)]
        mock += ["--port", str(FIXED_PORTS[0]), "--proxy-port", str(FIXED_PORTS[1])]
        start(stack, mock, work / "mock.log", plain, f"{MOCK_URL}/__requests")
        store = [sys.executable, str(suite / "chhttp.py"), "--port", str(store_port)]
        start(stack, store, work / "store.log", plain, f"http://127.0.0.1:{store_port}/ping")
        clickhouse = f"http://user:pass@127.0.0.1:{store_port}/tensorzero"
        env = suite_environment(suite, certs, clickhouse)
        base_url = f"http://127.0.0.1:{port}"
        gateway = [sys.executable, "-m", "tzproxy.cli.main", "serve"]
        gateway += ["--config-file", str(suite / "config" / "tensorzero.toml")]
        gateway += ["--bind-address", f"127.0.0.1:{port}", "--data-dir", str(work / "data")]
        start(stack, gateway, work / "gateway.log", env, f"{base_url}/status")
        targets = ["--base-url", base_url, "--mock-url", MOCK_URL, "--clickhouse-url", clickhouse]
        chosen = [argument for pattern in filters for argument in ("--filter", pattern)]
        results = play(suite, work, [*targets, *chosen])
        for _ in range(RETRIES):
            # Some cases measure short real times: a slow machine gets another chance.
            failed = [name for name, passed in results.items() if not passed and name not in known_gaps()]
            if not failed:
                break
            again = [argument for name in failed for argument in ("--filter", f"^{name}$")]
            results |= play(suite, work, [*targets, *again])
    command = (
        f"{sys.executable} -m tzproxy.cli.main serve --bind-address 127.0.0.1:0 --config-file {{config}}"
    )
    with tempfile.TemporaryDirectory(prefix="tzproxy-conformance-") as folder:
        os.environ.pop("TENSORZERO_CLICKHOUSE_URL", None)
        results |= play(suite, Path(folder), ["--config-errors", "--command", command, *chosen])
    return results


def known_gaps() -> set[str]:
    """Return the cases that are known not to pass yet."""
    return {name for _, names in read_groups() for name in names}


def read_groups() -> list[tuple[list[str], list[str]]]:
    """Return the list's groups: comment lines and the cases below them, parted by empty lines."""
    text = KNOWN_GAPS.read_text() if KNOWN_GAPS.exists() else ""
    groups = []
    for block in text.split("\n\n"):
        lines = [line.strip() for line in block.splitlines() if line.strip()]
        comments = [line for line in lines if line.startswith("#")]
        groups.append((comments, [line for line in lines if not line.startswith("#")]))
    return groups


def write_gaps(failing: set[str], played: set[str]) -> None:
    """Take what passes out of the list, and add what fails; cases that were not played stay as they are."""
    kept = [
        (comments, [name for name in names if name in failing or name not in played])
        for comments, names in read_groups()
    ]
    # A first group without cases is the list's own heading.
    groups = [group for position, group in enumerate(kept) if group[1] or (position == 0 and group[0])]
    added = sorted(failing - {name for _, names in groups for name in names})
    for area in sorted({name.partition("/")[0] for name in added}):
        groups.append(([f"# {area}"], [name for name in added if name.startswith(f"{area}/")]))
    KNOWN_GAPS.write_text("\n\n".join("\n".join([*comments, *names]) for comments, names in groups) + "\n")


def main() -> int:
    """Run and judge."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("suite", type=Path)
    parser.add_argument("--filter", action="append", default=[])
    parser.add_argument("--keep", type=Path, help="keep logs and data here")
    parser.add_argument("--write-gaps", action="store_true", help="write the failing cases as the known gaps")
    options = parser.parse_args()
    results = run(options.suite.resolve(), options.filter, options.keep)
    totals = Counter(name.partition("/")[0] for name in results)
    passed = Counter(name.partition("/")[0] for name, ok in results.items() if ok)
    for area in sorted(totals):
        sys.stdout.write(f"{area:24} {passed[area]:4} / {totals[area]}\n")
    sys.stdout.write(f"{'all':24} {sum(passed.values()):4} / {len(results)}\n")
    failing = {name for name, ok in results.items() if not ok}
    if options.write_gaps:
        write_gaps(failing, set(results))
        return 0
    gaps = known_gaps()
    for name in sorted(failing - gaps):
        sys.stdout.write(f"FAILED, and not a known gap: {name}\n")
    closed = sorted(gaps & (results.keys() - failing))
    for name in closed:
        sys.stdout.write(f"passes now, take it out of {KNOWN_GAPS.name}: {name}\n")
    unknown = [] if options.filter else sorted(gaps - results.keys())
    for name in unknown:
        sys.stdout.write(f"is no case of the suite, take it out of {KNOWN_GAPS.name}: {name}\n")
    return 1 if failing - gaps or closed or unknown else 0


if __name__ == "__main__":
    sys.exit(main())
