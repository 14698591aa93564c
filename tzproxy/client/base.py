"""What both clients are: not to be called, not to be pickled, made by their `build_` methods."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Self

from tzproxy.client.errors import NotSupportedError
from tzproxy.client.surroundings import default_api_key

if TYPE_CHECKING:
    from tzproxy.client.config_view import Config
    from tzproxy.client.embedded.carrier import EmbeddedCarrier
    from tzproxy.client.http import Address


class BaseTensorZeroGateway:
    """The root of both clients."""

    _transport: Any

    def __init__(self, *args: object, **kwargs: object) -> None:
        """Refuse.

        Raises:
            TypeError: always.
        """
        name = type(self).__name__
        raise TypeError(f"cannot create '{name}' instances: use {name}.build_http or {name}.build_embedded")

    @classmethod
    def _made(cls, transport: Any) -> Self:
        made = object.__new__(cls)
        made._transport = transport
        return made

    @property
    def _is_embedded(self) -> bool:
        return getattr(self._transport.carrier, "loaded", None) is not None

    experimental_render_samples: Callable[..., Any]

    def experimental_render_inferences(
        self, *, stored_inferences: Sequence[Any], variants: dict[str, str]
    ) -> Any:
        """`experimental_render_samples` by its name of June 2025; to be awaited where that is."""
        return self.experimental_render_samples(stored_samples=stored_inferences, variants=variants)

    def experimental_get_config(self) -> Config:
        """Return the configuration of an embedded gateway.

        Raises:
            ValueError: over HTTP, where nobody but the gateway knows it.
        """
        loaded = getattr(self._transport.carrier, "loaded", None)
        if loaded is None:
            raise ValueError("Failed to get config: this function is only available with `build_embedded`")
        from tzproxy.client.config_view import Config  # noqa: PLC0415 - loads what only a gateway needs

        return Config(loaded)

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"cannot pickle '{type(self).__name__}' object")


def http_address(gateway_url: str, timeout: float | None, api_key: str | None) -> Address:
    """Check what a program says of its gateway. Raises ValueError."""
    from tzproxy.client.http import address_of  # noqa: PLC0415 - not for embedded gateways

    return address_of(gateway_url, timeout, api_key if api_key is not None else default_api_key())


def embedded(
    config_file: str | None,
    clickhouse_url: str | None,
    data_dir: str | Path | None,
    timeout: float | None,
    valkey_url: str | None = None,
) -> EmbeddedCarrier:
    """Start a gateway in this process, and return what carries calls to it.

    Raises:
        TensorZeroInternalError: when it cannot start.
    """
    from tzproxy.client.embedded.carrier import EmbeddedCarrier  # noqa: PLC0415 - loads all of the engine
    from tzproxy.client.embedded.gateway import EmbeddedGateway  # noqa: PLC0415 - loads all of the engine

    gateway = EmbeddedGateway.start(config_file, clickhouse_url, data_dir, valkey_url=valkey_url)
    return EmbeddedCarrier(gateway, timeout)


def not_supported(method: str) -> NotSupportedError:
    """Make the error of a method that does nothing here yet."""
    return NotSupportedError(f"`{method}` is not supported by this version of tzproxy yet")
