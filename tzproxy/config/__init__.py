"""The configuration layer: reads `tensorzero.toml`, the environment and credentials; checks all of it.

Everything above gets frozen Structs; nothing above looks at the environment or at configuration files.
"""

from tzproxy.config.credentials import (
    AwsKeysCredential,
    Credential,
    DynamicCredential,
    FallbackCredential,
    MissingCredential,
    NoCredential,
    SdkCredential,
    StaticCredential,
)
from tzproxy.config.document import read_canonical
from tzproxy.config.environment import Environment, read_environment
from tzproxy.config.load import LoadedConfig, load_config, snapshot_of
from tzproxy.config.root import Config
from tzproxy.config.scalars import FileData
from tzproxy.config.secret import Secret
from tzproxy.config.shorthand import shorthand_model
from tzproxy.config.snapshot import Snapshot, snapshot

__all__ = [
    "AwsKeysCredential",
    "Config",
    "Credential",
    "DynamicCredential",
    "Environment",
    "FallbackCredential",
    "FileData",
    "LoadedConfig",
    "MissingCredential",
    "NoCredential",
    "SdkCredential",
    "Secret",
    "Snapshot",
    "StaticCredential",
    "load_config",
    "read_canonical",
    "read_environment",
    "shorthand_model",
    "snapshot",
    "snapshot_of",
]
