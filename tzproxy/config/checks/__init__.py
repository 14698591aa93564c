"""Checks that join several keys of a configuration; every finding is reported, none raises."""

from tzproxy.config.checks.evaluators import check_evaluators
from tzproxy.config.checks.functions import check_functions
from tzproxy.config.checks.gateway import check_gateway
from tzproxy.config.checks.models import check_models
from tzproxy.config.checks.namespaces import check_namespaces
from tzproxy.config.checks.optimizers import check_optimizers
from tzproxy.config.checks.rate_limits import check_rate_limits
from tzproxy.config.checks.scope import Scope
from tzproxy.config.root import Config


def check_config(config: Config, scope: Scope) -> None:
    """Report everything in the configuration that cannot work."""
    check_gateway(config, scope)
    check_models(config, scope)
    check_functions(config, scope)
    check_evaluators(config, scope)
    check_namespaces(config, scope)
    check_optimizers(config, scope)
    check_rate_limits(config, scope)
