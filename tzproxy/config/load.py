"""Loads a configuration: files, document, typed Structs, checks, and everything that follows from them.

Whatever needs no template engine and no JSON Schema compiler is checked here, and all findings are
raised at once. Must not: compile templates or schemas, open connections. Cold: start-up.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import msgspec

from tzproxy.config.checks import check_config
from tzproxy.config.checks.scope import Scope
from tzproxy.config.compat import deprecations, modernise
from tzproxy.config.credentials import Credential, CredentialStore, Setting
from tzproxy.config.decode import Context, decode_partial
from tzproxy.config.derived import (
    builtin_functions,
    derived_functions,
    derived_metrics,
    propagate_timeouts,
    schema_files,
    template_files,
)
from tzproxy.config.discovery import find_files
from tzproxy.config.document import Table, merge, read_file, to_plain
from tzproxy.config.environment import read_environment
from tzproxy.config.experimentation import FunctionSampling
from tzproxy.config.functions import FunctionConfig, MetricConfig
from tzproxy.config.locations import SettingLocation
from tzproxy.config.paths import FileReader
from tzproxy.config.problems import Origins, Problems
from tzproxy.config.providers import BaseProviderConfig, DummyProviderConfig, ProviderConfig
from tzproxy.config.root import Config
from tzproxy.config.sampling import function_sampling
from tzproxy.config.scalars import SocketAddress, parse_socket_address
from tzproxy.config.shorthand import shorthand_model
from tzproxy.config.snapshot import Snapshot, redact, snapshot

DEFAULT_BIND_ADDRESS = SocketAddress(host="0.0.0.0", port=3000)
_ENCODER = msgspec.msgpack.Encoder()


class _Packed(msgspec.Struct, frozen=True):
    """What another process needs to build the same configuration; no credentials are in it.

    Attributes:
        files: the TOML files.
        tree: merged document with file contents in place.
        file_paths: absolute path of each template key.
    """

    files: list[str]
    tree: dict[str, Any]
    file_paths: dict[str, str]


_PACKED_DECODER = msgspec.msgpack.Decoder(_Packed)


class LoadedConfig:
    """A configuration that passed all checks of this layer, and what follows from it.

    Attributes:
        config: the typed document, `timeout_s` already copied onto candidates.
        files: the TOML files, sorted.
        warnings: what works and should be changed, one line each.
        functions: the configured functions, the judges and the built-in functions.
        metrics: the configured metrics and those of evaluators.
        sampling: how each function's variants are drawn.
        environment: the gateway's environment variables.
        credentials: resolves credential locations.
    """

    def __init__(self, config: Config, packed: _Packed, scope: Scope) -> None:
        self.config = config
        self.files = packed.files
        self.environment = scope.environment
        self.credentials = scope.credentials
        self.functions: dict[str, FunctionConfig] = {**builtin_functions(), **derived_functions(config)}
        self.metrics: dict[str, MetricConfig] = derived_metrics(config)
        self.sampling: dict[str, FunctionSampling] = {
            name: function_sampling(function) for name, function in self.functions.items()
        }
        self.warnings = [*scope.warnings, *deprecations(config), *self.credentials.warnings]
        self._packed = packed

    def credential(self, provider: BaseProviderConfig) -> Credential:
        """Return a provider's credential: its own location, else the default of its type."""
        return self.credentials.credential(provider)

    def default_credential(self, provider_type: str) -> Credential:
        """Return the default credential of a provider type; never raises."""
        return self.credentials.default_credential(provider_type)

    def setting(self, location: SettingLocation) -> Setting | None:
        """Return a region, an endpoint or the like that may come from elsewhere; None for `none`."""
        return self.credentials.setting(location)

    def shorthand_model(self, name: str, *, embedding: bool = False) -> ProviderConfig | None:
        """Return the provider of a shorthand model, `dummy::` only where it is enabled.

        Raises:
            ConfigError: for a Vertex AI name that is no resource path.
        """
        return shorthand_model(name, embedding=embedding, allow_dummy=self.environment.enable_dummy_provider)

    @property
    def bind_address(self) -> SocketAddress:
        """Where to listen: the environment's address, else the configured one, else 0.0.0.0:3000."""
        if self.environment.bind_address is not None:
            return parse_socket_address(self.environment.bind_address)
        return self.config.gateway.bind_address or DEFAULT_BIND_ADDRESS

    @functools.cached_property
    def template_sources(self) -> dict[str, str]:
        """The text of every template of every variant by template key."""
        return {file.key: file.text for file in template_files(self.functions)}

    @functools.cached_property
    def schema_sources(self) -> dict[str, str]:
        """The text of every JSON Schema of functions and tools by template key."""
        return {file.key: file.text for file in schema_files(self.functions, self.config.tools)}

    @functools.cached_property
    def merged(self) -> dict[str, Any]:
        """The merged document as plain data with file contents in place; secrets are blotted out."""
        return redact(self._packed.tree)

    @functools.cached_property
    def _snapshot(self) -> Snapshot:
        return snapshot(self.merged, {})

    @property
    def snapshot_toml(self) -> str:
        """The canonical text of the configuration."""
        return self._snapshot.toml

    @property
    def hash(self) -> int:
        """The hash of the configuration without templates that only other templates name."""
        return self._snapshot.hash_int

    def to_bytes(self) -> bytes:
        """Return what `from_bytes` needs to build the same configuration in another process.

        Credentials are not part of it, secrets written into the TOML itself are.
        """
        return _ENCODER.encode(self._packed)

    @classmethod
    def from_bytes(cls, data: bytes, *, environ: Mapping[str, str]) -> LoadedConfig:
        """Return the configuration of `to_bytes`; reads no file but those of credentials.

        Raises:
            ConfigError: when the environment does not fit, e.g. lacks a key.
        """
        packed = _PACKED_DECODER.decode(data)
        return _build(packed.tree, packed, environ, Problems(Origins(packed.files)))


def load_config(pattern: str | None, *, environ: Mapping[str, str]) -> LoadedConfig:
    """Return the configuration of all files that match a glob pattern; None stands for an empty one.

    Raises:
        ConfigError: with everything that is wrong, each finding naming its key and file.
    """
    files = find_files(pattern) if pattern is not None else []
    early = Problems()
    reader = FileReader(early)
    documents: list[tuple[str, Table]] = []
    for file in files:
        document = read_file(file, early)
        if document is not None:
            modernise(document, file)
            reader.collect(document, file)
            documents.append((file, document))
    file_paths = reader.finish()
    tree, origins = merge(documents, early) if documents else ({}, Origins(files))
    problems = Problems(origins)
    for line in early.lines:
        problems.add_line(line)
    if len(documents) < len(files):
        # Without one of the files nearly everything would seem to be missing.
        problems.raise_if_any()
    packed = _Packed(files=files, tree=tree, file_paths=file_paths)
    loaded = _build(tree, packed, environ, problems)
    if pattern is not None and "*" in pattern and "**" not in pattern:
        loaded.warnings.insert(
            0, f"glob `{pattern}`: `*` does not match `/`, use `**` for files in deeper folders"
        )
    return loaded


def _build(tree: Table, packed: _Packed, environ: Mapping[str, str], problems: Problems) -> LoadedConfig:
    environment = read_environment(environ)
    hidden: frozenset[type] = (
        frozenset() if environment.enable_dummy_provider else frozenset({DummyProviderConfig})
    )
    context = Context(problems, hidden_types=hidden, file_paths=packed.file_paths)
    config = propagate_timeouts(decode_partial(Config, tree, context), problems)
    scope = Scope(
        problems=problems,
        environment=environment,
        credentials=CredentialStore(environ, config.provider_types),
        tree=tree,
    )
    check_config(config, scope)
    problems.raise_if_any()
    return LoadedConfig(config, msgspec.structs.replace(packed, tree=to_plain(tree)), scope)


def snapshot_of(document: Mapping[str, Any], extra_templates: Mapping[str, str]) -> Snapshot:
    """Return the snapshot of a document that need not fit this machine: no file or credential is looked at.

    Raises:
        ConfigError: with every key that the language does not have, or has otherwise.
    """
    tree = dict(document)
    problems = Problems(Origins([]))
    decode_partial(Config, tree, Context(problems, hidden_types=frozenset(), file_paths={}))
    problems.raise_if_any()
    return snapshot(redact(to_plain(tree)), extra_templates)
