"""A deterministic OpenAI-compatible provider: for the demo, the tests and the benchmarks.

Owns nothing the gateway needs: no module of the gateway imports this package, only the command line does.
The public face is here; how it behaves is described in README.md beside this file.
"""

from tzproxy.mock.options import MockOptions
from tzproxy.mock.process import MockProcess
from tzproxy.mock.server import run_mock

__all__ = ["MockOptions", "MockProcess", "run_mock"]
