"""What a request says of an optimiser, in the words of `[optimizers]`. Cold."""

from __future__ import annotations

from tzproxy.config.decode import INVALID, Context, decode
from tzproxy.config.optimizers import OptimizerConfig
from tzproxy.config.problems import Problems
from tzproxy.errors import RequestError

PLACE = "optimizer_config"


def read_settings(value: object, place: str = PLACE) -> OptimizerConfig:
    """Read settings; null is as good as absent, and unknown keys are ignored.

    Raises:
        RequestError: naming every field that is wrong.
    """
    problems = Problems()
    settings = decode(OptimizerConfig, value, (place,), Context(problems))
    if settings is INVALID or problems:
        raise RequestError("; ".join(problems.lines))
    found: OptimizerConfig = settings
    return found
