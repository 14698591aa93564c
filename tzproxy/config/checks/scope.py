"""What checks share: where to report, the names that exist, the environment and the credentials.

Must not: check anything itself. Cold.
"""

from __future__ import annotations

from typing import Any

import msgspec

from tzproxy.config.credentials import CredentialStore
from tzproxy.config.environment import Environment
from tzproxy.config.problems import Path, Problems, format_path
from tzproxy.config.shorthand import has_shorthand


class Scope(msgspec.Struct, kw_only=True):
    """The surroundings of the checks of one load.

    Attributes:
        problems: where findings go.
        environment: the gateway's environment variables.
        credentials: resolves credential locations.
        tree: the merged document as it was written.
        warnings: findings that do not stop the load.
    """

    problems: Problems
    environment: Environment
    credentials: CredentialStore
    tree: dict[str, Any]
    warnings: list[str] = []

    def warn(self, path: Path, text: str) -> None:
        """Note something that works and is probably not meant."""
        self.warnings.append(f"{format_path(path)}: {text}")

    def names(self, *path: str) -> frozenset[str]:
        """Return the names in a table as written, also of entries that could not be read."""
        table: Any = self.tree
        for key in path:
            table = table.get(key) if isinstance(table, dict) else None
        return frozenset(table) if isinstance(table, dict) else frozenset()

    def has_model(self, name: str) -> bool:
        """Return whether a chat model is configured or a shorthand."""
        allow_dummy = self.environment.enable_dummy_provider
        return name in self.names("models") or has_shorthand(name, allow_dummy=allow_dummy)

    def has_embedding_model(self, name: str) -> bool:
        """Return whether an embedding model is configured or a shorthand."""
        allow_dummy = self.environment.enable_dummy_provider
        return name in self.names("embedding_models") or has_shorthand(
            name, embedding=True, allow_dummy=allow_dummy
        )
