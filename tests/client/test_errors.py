"""Tests of `tzproxy.client.errors`: exceptions that programs know."""

from __future__ import annotations

import copy
import pickle

import pytest

from tzproxy.client.errors import (
    BaseTensorZeroError,
    NotSupportedError,
    TensorZeroError,
    TensorZeroInternalError,
    unreadable,
)


@pytest.mark.parametrize(
    "error", [TensorZeroError(404, "x"), TensorZeroError(500), TensorZeroInternalError("m"), unreadable("r")]
)
def test_errors_survive_pickling(error: BaseTensorZeroError) -> None:
    """An exception crosses processes with all it says."""
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(twin) is type(error)
        assert (str(twin), vars(twin)) == (str(error), vars(error))


def test_an_error_made_by_keywords() -> None:
    """Attributes and text do not depend on how the arguments were given."""
    error = pickle.loads(pickle.dumps(TensorZeroError(status_code=400, text="t")))
    assert (error.status_code, error.text) == (400, "t")
    assert str(error) == "TensorZeroError (status code 400): t"


def test_the_response_is_deprecated() -> None:
    """The older attribute works and warns."""
    with pytest.warns(DeprecationWarning, match="status_code"):
        response = TensorZeroError(404, "x").response
    assert (response.status_code, response.text) == (404, "x")


def test_what_is_not_supported_is_caught_both_ways() -> None:
    """Programs that catch the client's errors catch it, and so do those that know Python's."""
    error = NotSupportedError("`m` is not supported")
    assert isinstance(error, BaseTensorZeroError)
    assert isinstance(error, NotImplementedError)
    assert error.msg == str(error) == "`m` is not supported"
