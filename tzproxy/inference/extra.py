"""`extra_body` and `extra_headers`: the last word of configuration and request on the provider's request.

Nothing here runs for a request without such entries. Source: pointer rules of TensorZero 2026.6.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from typing import Protocol

import msgspec
from msgspec import UNSET, Struct, UnsetType

from tzproxy.errors import InvalidTargetError, NotFoundError
from tzproxy.providers.errors import ProviderError
from tzproxy.types.request import ExtraBody, ExtraHeader, InferenceRequest
from tzproxy.upstream import HeaderBlock, is_header_name


class BodyChange(Struct, frozen=True):
    """Write `value` at a JSON pointer, or delete what is there."""

    pointer: str
    value: object = None
    delete: bool = False


class HeaderChange(Struct, frozen=True):
    """Set a header (value), or take back what an earlier entry set (no value)."""

    name: str
    value: str | None = None


class Changes(Struct, frozen=True):
    """The entries of one level, in order."""

    body: tuple[BodyChange, ...] = ()
    headers: tuple[HeaderChange, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.body or self.headers)

    def then(self, later: Changes) -> Changes:
        """Return both levels as one; later entries win."""
        if not later:
            return self
        if not self:
            return later
        return Changes(self.body + later.body, self.headers + later.headers)


NO_CHANGES = Changes()


def extra_entries(request: InferenceRequest) -> Sequence[ExtraBody | ExtraHeader]:
    """Return all entries of a request, their shape checked.

    Raises:
        InvalidTargetError: as `check_entry`.
    """
    if not request.extra_body and not request.extra_headers:
        return ()
    entries: list[ExtraBody | ExtraHeader] = [*request.extra_body, *request.extra_headers]
    for entry in entries:
        check_entry(entry)
    return entries


def check_entry(entry: ExtraBody | ExtraHeader) -> None:
    """Check the shape of one request entry.

    Raises:
        InvalidTargetError: for filters of two kinds or half a filter, or for anything but one of value
            and deletion.
    """
    if not entry.delete and entry.value is UNSET:
        raise InvalidTargetError("an extra entry needs `value` or `delete = true`")
    if entry.delete and entry.value is not UNSET:
        raise InvalidTargetError("an extra entry cannot have both `value` and `delete`")
    if entry.variant_name is not None and entry.model_name is not None:
        raise InvalidTargetError("an extra entry cannot name both `variant_name` and `model_name`")
    if entry.provider_name is not None and entry.model_name is None:
        raise InvalidTargetError("an extra entry with `provider_name` needs `model_name`")


class Addressable(Protocol):
    """A model as filters see it."""

    @property
    def providers(self) -> Sequence[Named]:
        """Its providers."""
        ...


class Named(Protocol):
    """Something that a filter can name."""

    @property
    def name(self) -> str:
        """Its name."""
        ...


def check_filters(
    entries: Iterable[ExtraBody | ExtraHeader],
    variants: Container[str],
    find_model: Callable[[str], Addressable | None],
) -> None:
    """Check, entry by entry, that the variants, models and providers named by a request's entries exist.

    Raises:
        NotFoundError: naming an unknown variant.
        InvalidTargetError: naming an unknown model or provider.
    """
    for entry in entries:
        if entry.variant_name is not None and entry.variant_name not in variants:
            raise NotFoundError(f"Unknown variant: {entry.variant_name}")
        if entry.model_name is not None:
            _check_model_filter(entry.model_name, entry.provider_name, find_model)


def check_model_filters(
    entries: Iterable[ExtraBody | ExtraHeader], find_model: Callable[[str], Addressable | None]
) -> None:
    """Check the models and providers alone: with a model as the target, that comes before its input.

    Raises:
        InvalidTargetError: naming an unknown model or provider.
    """
    for entry in entries:
        if entry.model_name is not None:
            _check_model_filter(entry.model_name, entry.provider_name, find_model)


def _check_model_filter(
    name: str, provider: str | None, find_model: Callable[[str], Addressable | None]
) -> None:
    model = find_model(name)
    if model is None:
        raise InvalidTargetError(f"Invalid model provider filter: model `{name}` does not exist.")
    if provider is not None and all(entry.name != provider for entry in model.providers):
        raise InvalidTargetError(
            f"Invalid model provider filter: provider `{provider}` not found in model `{name}`."
        )


def matching(
    body: Sequence[ExtraBody], headers: Sequence[ExtraHeader], *, variant: str, model: str, provider: str
) -> Changes:
    """Pick the request's entries that apply to one attempt, in the request's order."""
    if not body and not headers:
        return NO_CHANGES
    return Changes(
        tuple(
            BodyChange(entry.pointer, _value(entry.value), entry.delete)
            for entry in body
            if _applies(entry, variant, model, provider)
        ),
        tuple(
            HeaderChange(entry.name, None if entry.delete or entry.value is UNSET else str(entry.value))
            for entry in headers
            if _applies(entry, variant, model, provider)
        ),
    )


def _value(value: msgspec.Raw | UnsetType) -> object:
    return None if value is UNSET else msgspec.json.decode(value)


def _applies(entry: ExtraBody | ExtraHeader, variant: str, model: str, provider: str) -> bool:
    if entry.variant_name is not None:
        return entry.variant_name == variant
    if entry.model_name is not None:
        return entry.model_name == model and entry.provider_name in (None, provider)
    return True


def changed_body(body: bytes, changes: Iterable[BodyChange]) -> bytes:
    """Apply changes to a provider's request body.

    Raises:
        ProviderError: when a pointer cannot be followed.
    """
    tree = msgspec.json.decode(body)
    if not isinstance(tree, dict):
        raise ProviderError("Body is not a map")
    for change in changes:
        try:
            tokens = _tokens(change.pointer)
            if change.delete:
                _delete(tree, tokens)
            else:
                _write(tree, tokens, change.value)
        except PointerError as exc:
            raise ProviderError(
                f"Error replacing extra body: `{exc}` with pointer: `{change.pointer}`", status=400
            ) from exc
    return msgspec.json.encode(tree)


def changed_headers(headers: HeaderBlock, changes: Iterable[HeaderChange]) -> HeaderBlock:
    """Set the changed headers over the provider's own.

    Raises:
        ProviderError: when a name or value is no valid header.
    """
    wanted: dict[str, tuple[str, str]] = {}
    for change in changes:
        if not is_header_name(change.name):
            raise ProviderError(f"Invalid header name `{change.name}`: invalid HTTP header name", status=400)
        if change.value is None:
            wanted.pop(change.name.lower(), None)
        else:
            wanted[change.name.lower()] = (change.name, change.value)
    try:
        return headers.replaced(wanted.values())
    except ValueError as exc:
        raise ProviderError(f"Invalid extra header: {exc}", status=400) from exc


class PointerError(ValueError):
    """A JSON pointer does not fit the body."""


def _tokens(pointer: str) -> list[str]:
    if not pointer:
        raise PointerError("Pointer cannot be empty")
    if not pointer.startswith("/"):
        raise PointerError("Pointer must start with '/'")
    if pointer.endswith("/"):
        raise PointerError("Pointer cannot end with '/'")
    return [token.replace("~1", "/").replace("~0", "~") for token in pointer[1:].split("/")]


def _index(token: str) -> int | None:
    if token.isascii() and token.isdigit() and (token == "0" or not token.startswith("0")):
        return int(token)
    return None


def _write(tree: dict[str, object], tokens: list[str], value: object) -> None:
    target: object = tree
    for position, token in enumerate(tokens):
        last = position == len(tokens) - 1
        if isinstance(target, dict):
            if last:
                target[token] = value
                return
            if token not in target:
                following = tokens[position + 1]
                if _index(following) is not None:
                    raise PointerError(
                        f"TensorZero doesn't support pointing an index ({following}) "
                        "if its container doesn't exist."
                    )
                target[token] = {}
            target = target[token]
        elif isinstance(target, list):
            if token == "-":
                if not last:
                    raise PointerError("Array append operator `-` can only be used at the end of a pointer")
                target.append(value)
                return
            index = _existing(target, token)
            if last:
                target[index] = value
                return
            target = target[index]
        else:
            raise PointerError(_unindexable(target))


def _delete(tree: dict[str, object], tokens: list[str]) -> None:
    target: object = tree
    for token in tokens[:-1]:
        if isinstance(target, dict):
            if token not in target:
                return
            target = target[token]
        elif isinstance(target, list):
            index = _index(token)
            if index is None or index >= len(target):
                return
            target = target[index]
        else:
            return
    last = tokens[-1]
    if isinstance(target, dict):
        target.pop(last, None)
    elif isinstance(target, list):
        if last == "-":
            raise PointerError("Cannot delete using array append operator `-`")
        index = _index(last)
        if index is not None and index < len(target):
            del target[index]


def _existing(target: list[object], token: str) -> int:
    index = _index(token)
    if index is None or index >= len(target):
        raise PointerError(f"Could not find array index {token} in target array (len {len(target)})")
    return index


def _unindexable(target: object) -> str:
    return f"Can only index into object or array - found target {msgspec.json.encode(target).decode()}"
