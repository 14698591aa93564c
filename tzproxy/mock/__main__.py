"""`python -m tzproxy.mock`: the mock with its options as flags."""

from __future__ import annotations

import os
import signal
import sys
import threading

from tzproxy.mock.options import parse_options
from tzproxy.mock.server import run_mock


def main(arguments: list[str]) -> None:
    """Serve until a signal; with `--until-stdin-closes` also until the parent process is gone."""
    is_child = arguments[:1] == ["--until-stdin-closes"]
    options = parse_options(arguments[1:] if is_child else arguments, program="python -m tzproxy.mock")
    if is_child:
        threading.Thread(target=_end_with_stdin, daemon=True).start()
    host = f"[{options.host}]" if ":" in options.host else options.host

    def announce(port: int) -> None:
        sys.stdout.write(f"tzproxy mock: listening on http://{host}:{port}\n")
        sys.stdout.flush()

    try:
        run_mock(options, ready=announce)
    except OSError as exc:
        sys.exit(f"tzproxy mock: cannot listen on {host}:{options.port}: {exc.strerror or exc}")


def _end_with_stdin() -> None:
    # Not through `sys.stdin`: its lock, held by a daemon thread, makes the interpreter abort at its end.
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main(sys.argv[1:])
