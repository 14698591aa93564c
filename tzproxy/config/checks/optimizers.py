"""Checks of `[optimizers]`."""

from __future__ import annotations

from tzproxy.config.checks.scope import Scope
from tzproxy.config.optimizers import GepaConfig
from tzproxy.config.root import Config


def check_optimizers(config: Config, scope: Scope) -> None:
    """Report optimizers whose settings contradict each other; what they name is checked when one runs."""
    for name, optimizer in config.optimizers.items():
        if not isinstance(optimizer, GepaConfig):
            continue
        path = ("optimizers", name)
        names = "`evaluation_name` or `evaluator_names`"
        if optimizer.evaluation_name is None and optimizer.evaluator_names is None:
            scope.problems.add(path, f"GEPA optimizer `{name}` must specify exactly one of {names}")
        elif optimizer.evaluation_name is not None and optimizer.evaluator_names is not None:
            scope.problems.add(path, f"GEPA optimizer `{name}` cannot specify both {names}")
        elif optimizer.evaluator_names == ():
            reason = f"GEPA optimizer `{name}` must specify at least one evaluator name"
            scope.problems.add((*path, "evaluator_names"), reason)
