"""Checks that join several keys of a configuration; every finding is reported, none raises."""

from tzproxy.config.checks.scope import Scope
from tzproxy.config.root import Config


def check_config(config: Config, scope: Scope) -> None:
    """Report everything in the configuration that cannot work."""
