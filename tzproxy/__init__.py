"""tzproxy: an LLM gateway that speaks TensorZero's API, configuration and tables.

Programs import the client from here (`from tzproxy import TensorZeroGateway`). It is loaded when it is asked
for: a worker of the gateway imports this package too.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tzproxy.client.exports import *  # noqa: F403 - the same names as `tzproxy.client.exports.__all__`

__version__ = "0.1.0"


_FUNCTIONS = frozenset({"__all__", "close_patched_openai_client_gateway", "patch_openai_client", "uuid7"})
"""The names of the client that do not begin with a capital; all other such names must cost nothing here."""


def __getattr__(name: str) -> Any:
    """Return a name of the client. Raises AttributeError for others."""
    if name in _FUNCTIONS or name[0].isupper():
        exports = import_module("tzproxy.client.exports")
        if name == "__all__":
            return exports.__all__
        if name in exports.__all__:
            value = globals()[name] = getattr(exports, name)
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *import_module("tzproxy.client.exports").__all__})
