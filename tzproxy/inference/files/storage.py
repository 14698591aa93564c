"""Object storage: a folder, or a bucket of anything that speaks S3. Cold.

The one module that knows obstore, which is loaded when a storage is opened: gateways without one do not
pay its memory. Its threads do not survive a fork: nothing opens a storage before the workers are forked.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from tzproxy.config.environment import Environment
from tzproxy.errors import TzproxyError
from tzproxy.types.request import StorageKind

if TYPE_CHECKING:
    from obstore.store import S3Credential

logger = logging.getLogger(__name__)

VALIDATION_KEY = ".tensorzero-validate"
NOT_IMPLEMENTED = "501 Not Implemented"
RETRIES: dict[str, Any] = {"max_retries": 3}


class ObjectStoreError(TzproxyError):
    """The object storage refused, or cannot be reached."""

    code = "object_store"


class ObjectDisabledError(TzproxyError):
    """A file is asked for of which only the place is known."""

    status = 400
    code = "object_store_disabled"

    def __init__(self) -> None:
        super().__init__("Object store was disabled")


class ObjectStorage(Protocol):
    """Keeps objects under keys."""

    async def put_new(self, key: str, data: bytes) -> None:
        """Store an object unless there is one with this key.

        Raises:
            ObjectStoreError: when it cannot be stored.
        """
        ...

    async def get(self, key: str, *, limit_bytes: int) -> bytes:
        """Return an object.

        Raises:
            ObjectStoreError: when it is not there or too large.
        """
        ...


class OpenStorage:
    """A storage of obstore."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self._takes_conditions = True

    async def put_new(self, key: str, data: bytes) -> None:
        """Store an object unless there is one with this key.

        Some that speak S3 know no conditional writes. There the object is written anew: what a key names
        is always the same.
        """
        obstore = _obstore()
        mode = "create" if self._takes_conditions else "overwrite"
        try:
            await obstore.put_async(self._store, key, data, mode=mode, use_multipart=False)
        except obstore.exceptions.AlreadyExistsError:
            return
        except _failures() as exc:
            if not self._takes_conditions or NOT_IMPLEMENTED not in str(exc):
                raise ObjectStoreError(
                    f"Error writing to object store: `{reason_of(exc)}`. Path: {key}"
                ) from exc
            logger.warning("The object storage has no conditional writes; objects are written without")
            self._takes_conditions = False
            await self.put_new(key, data)

    async def get(self, key: str, *, limit_bytes: int) -> bytes:
        """Return an object."""
        try:
            found = await _obstore().get_async(self._store, key)
            size = found.meta["size"]
            if size > limit_bytes:
                raise ObjectStoreError(
                    f"Internal error: Error getting object: {key} has {size} bytes, {limit_bytes} may be read"
                )
            return bytes(await found.bytes_async())
        except _failures() as exc:
            raise ObjectStoreError(f"Internal error: Error getting object: {reason_of(exc)}") from exc

    def probe(self) -> None:
        """Write an empty object, to find out whether anything can be written.

        Raises:
            ObjectStoreError: when it cannot.
        """
        try:
            _obstore().put(self._store, VALIDATION_KEY, b"", use_multipart=False)
        except _failures() as exc:
            raise ObjectStoreError(
                f"Failed to write `{VALIDATION_KEY}` to object store. "
                f"Check that your credentials are configured correctly: {reason_of(exc)}"
            ) from exc


def open_storage(kind: StorageKind, environment: Environment) -> OpenStorage:
    """Open a storage.

    Raises:
        ObjectDisabledError: for the one that keeps nothing.
        ObjectStoreError: when its settings cannot be used.
    """
    if kind.type == "disabled":
        raise ObjectDisabledError
    stores = _obstore().store
    try:
        if kind.type == "filesystem":
            return OpenStorage(stores.LocalStore(kind.path))
        return OpenStorage(
            stores.S3Store(
                kind.bucket_name,
                config=_s3_config(kind, environment),
                client_options={"allow_http": _allows_http(kind, environment)},
                retry_config=RETRIES,
                credential_provider=_credentials(environment),
            )
        )
    except _failures() as exc:
        raise ObjectStoreError(f"Failed to create the object store: {reason_of(exc)}") from exc


def _s3_config(kind: StorageKind, environment: Environment) -> dict[str, str]:
    config = {}
    region = kind.region or _aws(environment, "AWS_REGION") or _aws(environment, "AWS_DEFAULT_REGION")
    if region is not None:
        config["region"] = region
    if kind.endpoint is not None:
        config["endpoint"] = kind.endpoint
    return config


def _allows_http(kind: StorageKind, environment: Environment) -> bool:
    return environment.aws_allow_http if kind.allow_http is None else kind.allow_http


def _credentials(environment: Environment) -> Any:
    """Return the S3_* pair, else the AWS_* pair, else leave it to the SDK's chain."""
    key, secret = environment.s3_access_key_id, environment.s3_secret_access_key
    token = None
    if key is None or secret is None:
        key, secret = environment.aws.get("AWS_ACCESS_KEY_ID"), environment.aws.get("AWS_SECRET_ACCESS_KEY")
        token = _aws(environment, "AWS_SESSION_TOKEN")
    if key is None or secret is None:
        return None
    pair: S3Credential = {
        "access_key_id": key.reveal(),
        "secret_access_key": secret.reveal(),
        "token": token,
        "expires_at": None,
    }
    return lambda: pair


def _aws(environment: Environment, name: str) -> str | None:
    value = environment.aws.get(name)
    return None if value is None else value.reveal() or None


def _obstore() -> Any:
    import obstore  # noqa: PLC0415 - 8 MB that only gateways with object storage need
    import obstore.store  # noqa: PLC0415

    return obstore


def _failures() -> tuple[type[Exception], ...]:
    return (_obstore().exceptions.BaseError, OSError, TypeError, ValueError)


def reason_of(exc: Exception) -> str:
    """Return what an error of obstore says, without its source's structure."""
    return str(exc).partition("\n")[0]


def decode_kind(text: bytes) -> StorageKind:
    """Read a storage as `encode_kind` writes it."""
    return msgspec.json.decode(text, type=StorageKind)


def encode_kind(kind: StorageKind) -> bytes:
    """Write a storage for another process."""
    return msgspec.json.encode(kind)
