"""The names that a request may put into `model`, and the lists that tell them. Hot: `target_of` alone.

The rule for `/openai/v1/responses` and `/anthropic/v1/messages`, in this order:

1. `tensorzero::function_name::F` and `tensorzero::model_name::M`, as in chat completions;
2. the bare name of a configured function;
3. the bare name of a configured model, or a shorthand such as `openai::gpt-4o-mini`.

A function comes before a model of the same name: so a name that is wired into an agent can be served by
variants and experiments over the model of that name.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from urllib.parse import unquote

import msgspec
from msgspec import Struct

from tzproxy.errors import NotFoundError, RequestError
from tzproxy.http.exchange import Exchange, NoRouteError
from tzproxy.http.openai.request import FUNCTION_PREFIX, MODEL_PREFIX
from tzproxy.http.openai.request import target_of as prefixed_target
from tzproxy.inference.engine import Catalog
from tzproxy.inference.request_checks import RESERVED

ENCODER = msgspec.json.Encoder()


class Target(Struct, frozen=True):
    """What serves a request: a function or a model. `bare`: the client named it without a prefix."""

    function_name: str | None
    model_name: str | None
    bare: bool = False


class ModelObject(Struct, frozen=True):
    """A name in OpenAI's list. Units: `created` in seconds since 1970, the start of this process."""

    id: str
    created: int
    object: str = "model"
    owned_by: str = "tzproxy"


class ModelList(Struct, frozen=True):
    """OpenAI's list."""

    data: list[ModelObject]
    object: str = "list"


def target_of(catalog: Catalog, name: str) -> Target:
    """Find what a name stands for.

    Raises:
        RequestError: when a prefixed name is empty.
        NotFoundError: when a bare name stands for nothing.
    """
    if name.startswith((FUNCTION_PREFIX, MODEL_PREFIX)):
        return Target(*prefixed_target(name))
    if name and not name.startswith(RESERVED):
        if name in catalog.functions:
            return Target(name, None, bare=True)
        if catalog.model(name) is not None:
            return Target(None, name, bare=True)
    raise NotFoundError(
        f"Unknown model: `{name}` is neither a configured function or model nor a shorthand such as "
        f"`openai::gpt-4o-mini` (`{FUNCTION_PREFIX}NAME` and `{MODEL_PREFIX}NAME` are understood too)"
    )


def check_name(catalog: Catalog, name: str) -> None:
    """Check that a request with this name would find its function or model.

    Raises:
        NotFoundError: when it would not.
    """
    try:
        target = target_of(catalog, name)
    except NotFoundError:
        raise
    except RequestError as exc:
        raise NotFoundError(exc.message) from exc
    if target.function_name is not None and target.function_name not in catalog.functions:
        raise NotFoundError(f"Unknown function: {target.function_name}")
    if target.model_name is not None and catalog.model(target.model_name) is None:
        raise NotFoundError(f"Unknown model: {target.model_name}")


def public_functions(catalog: Catalog) -> list[str]:
    """Return the functions that the operator configured; the gateway's own ones are left out."""
    return [name for name in catalog.functions if not name.startswith(RESERVED)]


def prefixed_names(functions: Iterable[str], models: Iterable[str]) -> list[str]:
    """Return the names that every OpenAI-compatible route understands."""
    return [*(FUNCTION_PREFIX + name for name in functions), *(MODEL_PREFIX + name for name in models)]


class ModelsRoute:
    """`GET /openai/v1/models`: the configured names, prefixed, so that each works on every route.

    TensorZero has no such route. Its answer is kept for requests without a key, which OpenAI's clients never
    send; the key itself is not looked at.
    """

    def __init__(self, catalog: Catalog, models: Iterable[str]) -> None:
        """Write the list once."""
        created = int(time.time())
        names = prefixed_names(public_functions(catalog), models)
        self._body = ENCODER.encode(ModelList([ModelObject(name, created) for name in names]))

    async def __call__(self, exchange: Exchange) -> None:
        """Answer.

        Raises:
            NoRouteError: when the request has no key.
        """
        if exchange.header("authorization") is None:
            raise NoRouteError
        await exchange.answer(200, self._body)


class ModelRoute:
    """`GET /openai/v1/models/{model}`: whether a name, bare ones and shorthands included, would be served."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._created = int(time.time())

    async def __call__(self, exchange: Exchange) -> None:
        """Answer, or refuse an unknown name."""
        name = unquote(exchange.parameters["model"])
        check_name(self._catalog, name)
        await exchange.answer(200, ENCODER.encode(ModelObject(name, self._created)))
