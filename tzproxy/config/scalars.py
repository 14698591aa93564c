"""Readers for the single values of the configuration: sized numbers, files, URLs, addresses, names.

Each is an annotated type, so that a Struct's field says both its Python type and how it is read.
Must not: touch the file system or the network. Cold.
"""

from __future__ import annotations

import ipaddress
import math
from decimal import Decimal
from typing import Annotated, Final

import msgspec

from tzproxy.config.decode import INVALID, Context, Reader, Reads, wrong_type
from tzproxy.config.problems import Path
from tzproxy.config.secret import Secret
from tzproxy.config.urls import absolute_url
from tzproxy.types.params import widen_float32


class FileData(msgspec.Struct, frozen=True):
    """The contents of a file that a path-valued key names.

    Attributes:
        key: template key: the path without the directories that all referenced files share.
        path: absolute path of the file; empty for text that came from no file.
        text: the contents.
    """

    key: str
    path: str
    text: str


class Unreadable:
    """The type of `UNREADABLE`."""


UNREADABLE: Final = Unreadable()
"""Stands for a path-valued key whose file could not be read; already reported."""


def _integer_reader(name: str, low: int, high: int) -> Reader:
    def read(value: object, path: Path, context: Context) -> object:
        if isinstance(value, bool) or not isinstance(value, int):
            return context.reject(path, wrong_type(value, name))
        if not low <= value <= high:
            return context.reject(path, f"invalid value: integer `{value}`, expected {name}")
        return value

    return read


def _float_reader(name: str) -> Reader:
    def read(value: object, path: Path, context: Context) -> object:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return context.reject(path, wrong_type(value, name))
        return widen_float32(float(value)) if name == "f32" else float(value)

    return read


def _finite_reader(name: str) -> Reader:
    read_float = _float_reader(name)

    def read(value: object, path: Path, context: Context) -> object:
        if isinstance(value, float) and not math.isfinite(value):
            return context.reject(path, f"invalid value: {value}, expected a finite {name}")
        return read_float(value, path, context)

    return read


U32 = Annotated[int, Reads(_integer_reader("u32", 0, 2**32 - 1))]
U64 = Annotated[int, Reads(_integer_reader("u64", 0, 2**64 - 1))]
I32 = Annotated[int, Reads(_integer_reader("i32", -(2**31), 2**31 - 1))]
F32 = Annotated[float, Reads(_float_reader("f32"))]
F64 = Annotated[float, Reads(_float_reader("f64"))]
FiniteF32 = Annotated[float, Reads(_finite_reader("f32"))]
FiniteF64 = Annotated[float, Reads(_finite_reader("f64"))]


_DECIMAL_BOUND = Decimal(2**96)


def read_decimal(value: object, path: Path, context: Context) -> object:
    """Read a number as the decimal that was written, not as its binary neighbour."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return context.reject(path, wrong_type(value, "a decimal number"))
    result = Decimal(repr(value))
    if not result.is_finite() or abs(result) >= _DECIMAL_BOUND:
        return context.reject(path, f"invalid value: {value}, expected a finite decimal number below 2^96")
    return result


DecimalNumber = Annotated[Decimal, Reads(read_decimal)]


def read_file_data(value: object, path: Path, context: Context) -> object:
    """Read what path resolution put in place of a path, or the wire form of an inlined file."""
    match value:
        case FileData():
            return value
        case Unreadable():
            return INVALID
        case {"__tensorzero_remapped_path": str() as key, "__data": str() as text, **rest} if not rest:
            return FileData(key=key, path=context.file_paths.get(key, ""), text=text)
    return context.reject(path, wrong_type(value, "a file path"))


InlinedFile = Annotated[FileData, Reads(read_file_data)]


def read_directory(value: object, path: Path, context: Context) -> object:
    """Read a directory that path resolution has made absolute."""
    if isinstance(value, Unreadable):
        return INVALID
    return value if isinstance(value, str) else context.reject(path, wrong_type(value, "a string"))


Directory = Annotated[str, Reads(read_directory)]


def read_url(value: object, path: Path, context: Context) -> object:
    """Read the absolute URL of an HTTP server; it stays text, in its plain form."""
    if not isinstance(value, str):
        return context.reject(path, wrong_type(value, "a URL"))
    try:
        return absolute_url(value)
    except ValueError as exc:
        # What stands before an `@` may be a password.
        return context.reject(path, str(exc) if "@" in value else f'{exc}: "{value}"')


Url = Annotated[str, Reads(read_url)]


class SocketAddress(msgspec.Struct, frozen=True):
    """Where the gateway listens.

    Attributes:
        host: numeric IPv4 or IPv6 address, without brackets.
        port: TCP port; 0 lets the system choose.
    """

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_socket_address(text: str) -> SocketAddress:
    """Return the address of `IP:PORT` or `[IP6]:PORT`.

    Raises:
        ValueError: for host names, missing ports and everything else.
    """
    host, colon, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    address = ipaddress.ip_address(host[1:-1] if bracketed else host)
    _, percent, scope = host[1:-1].partition("%")
    if not colon or bracketed != (address.version == 6) or (percent and not scope.isdigit()):
        raise ValueError("invalid socket address syntax")
    if not (port.isascii() and port.isdigit() and int(port) <= 65535):
        raise ValueError("invalid socket address syntax")
    return SocketAddress(host=str(address), port=int(port))


def read_socket_address(value: object, path: Path, context: Context) -> object:
    """Read a numeric socket address."""
    if not isinstance(value, str):
        return context.reject(path, wrong_type(value, "socket address"))
    try:
        return parse_socket_address(value)
    except ValueError:
        return context.reject(path, f"invalid socket address syntax: {value!r}")


BindAddress = Annotated[SocketAddress, Reads(read_socket_address)]


def read_namespace(value: object, path: Path, context: Context) -> object:
    """Read a namespace name."""
    if not isinstance(value, str):
        return context.reject(path, wrong_type(value, "a string"))
    if not value:
        return context.reject(path, "Namespace identifier cannot be empty")
    if value.startswith("tensorzero::"):
        return context.reject(path, f"Namespace cannot start with `tensorzero::`: {value}")
    return value


Namespace = Annotated[str, Reads(read_namespace)]


def read_secret(value: object, path: Path, context: Context) -> object:
    """Read a text that must not be shown, not even in the message about a wrong type."""
    return (
        Secret(value) if isinstance(value, str) else context.reject(path, "invalid type, expected a string")
    )


SecretText = Annotated[Secret, Reads(read_secret)]
