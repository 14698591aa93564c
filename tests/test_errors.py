"""Tests of `tzproxy.errors`: the tree of errors as clients and operators know it."""

from __future__ import annotations

from collections.abc import Iterator

from tzproxy import errors
from tzproxy.errors import ConfigError, InvalidTargetError, TzproxyError


def classes(root: type[TzproxyError]) -> Iterator[type[TzproxyError]]:
    """Yield the classes of the tree that the module itself defines."""
    for child in root.__subclasses__():
        if child.__module__ == errors.__name__:
            yield child
            yield from classes(child)


def test_statuses_are_those_of_the_api() -> None:
    """Each error maps to the status that clients of the API expect."""
    statuses = {kind.__name__: kind.status for kind in classes(TzproxyError) if kind.status != 500}
    assert statuses == {
        "RequestError": 400,
        "BodyError": 400,
        "InvalidTargetError": 400,
        "NotFoundError": 404,
        "SchemaValidationError": 400,
        "NotSupportedError": 501,
        "AuthError": 401,
        "RateLimitError": 429,
        "StoreUnavailableError": 503,
    }


def test_every_error_has_a_code_of_its_own() -> None:
    """Codes tell errors apart, and are stable words."""
    codes = [kind.__dict__.get("code") for kind in classes(TzproxyError)]
    assert None not in codes
    assert len(set(codes)) == len(codes)
    assert all(code.replace("_", "").isalpha() and code.islower() for code in codes)


def test_config_errors_keep_every_finding() -> None:
    """The problems of a configuration are kept apart and shown line by line."""
    error = ConfigError(["a: bad", "b: worse"])
    assert error.problems == ["a: bad", "b: worse"]
    assert error.message == str(error) == "a: bad\nb: worse"


def test_invalid_targets_say_so() -> None:
    """Errors about the target carry the prefix that clients match."""
    assert InvalidTargetError("why").message == "Invalid inference target: why"
