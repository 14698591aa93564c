"""Tests of `tzproxy.inference.files.storage`: a folder, and a bucket over HTTP."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from s3_server import Bucket, running_bucket
from tzproxy.config.environment import Environment, read_environment
from tzproxy.inference.files.storage import (
    ObjectDisabledError,
    ObjectStoreError,
    decode_kind,
    encode_kind,
    open_storage,
)
from tzproxy.types.request import StorageKind

LIMIT = 1000
S3_PAIR = {"S3_ACCESS_KEY_ID": "s3-id", "S3_SECRET_ACCESS_KEY": "s3-secret"}
AWS_PAIR = {"AWS_ACCESS_KEY_ID": "aws-id", "AWS_SECRET_ACCESS_KEY": "aws-secret", "AWS_SESSION_TOKEN": "t"}


@pytest.fixture
async def bucket() -> AsyncIterator[Bucket]:
    """A bucket on this machine."""
    async with running_bucket() as running:
        yield running


def kind_of(bucket: Bucket, **settings: object) -> StorageKind:
    """The storage of a bucket named `b`."""
    return StorageKind(
        "s3_compatible",
        **{"bucket_name": "b", "endpoint": bucket.url, "allow_http": True, **settings},  # type: ignore[arg-type]
    )


async def test_a_folder_keeps_objects(tmp_path: Path) -> None:
    """An object is a file under its key, and comes back as it was."""
    storage = open_storage(StorageKind("filesystem", path=str(tmp_path)), Environment())
    await storage.put_new("a/b.png", b"data")
    assert (tmp_path / "a" / "b.png").read_bytes() == b"data"
    assert await storage.get("a/b.png", limit_bytes=LIMIT) == b"data"


async def test_what_is_there_stays(tmp_path: Path) -> None:
    """An object that is there is not written again: its key says what it holds."""
    storage = open_storage(StorageKind("filesystem", path=str(tmp_path)), Environment())
    await storage.put_new("a", b"first")
    await storage.put_new("a", b"second")
    assert (tmp_path / "a").read_bytes() == b"first"


async def test_what_is_not_there(tmp_path: Path) -> None:
    """A missing object is an internal error, in the original's words."""
    storage = open_storage(StorageKind("filesystem", path=str(tmp_path)), Environment())
    with pytest.raises(ObjectStoreError) as caught:
        await storage.get("a/b", limit_bytes=LIMIT)
    assert caught.value.status == 500
    assert caught.value.message == (
        f"Internal error: Error getting object: Object at location {tmp_path}/a/b not found: "
        "No such file or directory (os error 2)"
    )


async def test_large_objects_are_not_read(tmp_path: Path) -> None:
    """An object beyond the limit is refused by its size."""
    (tmp_path / "a").write_bytes(bytes(LIMIT + 1))
    storage = open_storage(StorageKind("filesystem", path=str(tmp_path)), Environment())
    with pytest.raises(ObjectStoreError, match="a has 1001 bytes, 1000 may be read"):
        await storage.get("a", limit_bytes=LIMIT)


async def test_keys_stay_inside(tmp_path: Path) -> None:
    """A key that climbs out of the folder reaches nothing."""
    (tmp_path / "kept").mkdir()
    (tmp_path / "secret").write_bytes(b"s")
    storage = open_storage(StorageKind("filesystem", path=str(tmp_path / "kept")), Environment())
    with pytest.raises(ObjectStoreError, match="Could not parse path"):
        await storage.get("../secret", limit_bytes=LIMIT)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """A folder that does not exist is not made."""
    with pytest.raises(ObjectStoreError, match="Failed to create the object store: "):
        open_storage(StorageKind("filesystem", path=str(tmp_path / "none")), Environment())


def test_nothing_is_kept_nowhere() -> None:
    """The storage that keeps nothing cannot be opened."""
    with pytest.raises(ObjectDisabledError) as caught:
        open_storage(StorageKind("disabled"), Environment())
    assert (caught.value.status, caught.value.message) == (400, "Object store was disabled")


async def test_a_bucket_keeps_objects(bucket: Bucket) -> None:
    """An object is put only if it is new, and comes back as it was."""
    storage = open_storage(kind_of(bucket), read_environment(S3_PAIR))
    await storage.put_new("a/b.png", b"data")
    await storage.put_new("a/b.png", b"other")
    assert bucket.objects == {"/b/a/b.png": b"data"}
    assert await storage.get("a/b.png", limit_bytes=LIMIT) == b"data"
    assert [(method, path) for method, path, _ in bucket.requests] == [
        ("PUT", "/b/a/b.png"),
        ("PUT", "/b/a/b.png"),
        ("GET", "/b/a/b.png"),
    ]
    assert bucket.requests[0][2]["if-none-match"] == "*"


@pytest.mark.parametrize(
    ("environ", "identity", "token"),
    [
        (AWS_PAIR | S3_PAIR, "s3-id", None),
        (AWS_PAIR, "aws-id", "t"),
        (AWS_PAIR | {"S3_ACCESS_KEY_ID": "half"}, "aws-id", "t"),
    ],
)
async def test_credentials(bucket: Bucket, environ: dict[str, str], identity: str, token: str | None) -> None:
    """The pair of S3_* variables comes first, without the session token of the AWS_* variables."""
    storage = open_storage(kind_of(bucket, region="eu-test-1"), read_environment(environ))
    await storage.put_new("a", b"data")
    headers = bucket.requests[0][2]
    assert f"Credential={identity}/" in headers["authorization"]
    assert "/eu-test-1/s3/aws4_request" in headers["authorization"]
    assert headers.get("x-amz-security-token") == token
    assert "secret" not in repr(headers)


async def test_a_bucket_that_refuses(bucket: Bucket) -> None:
    """A refusal is an error that names the key and no secret."""
    bucket.refuses = True
    storage = open_storage(kind_of(bucket), read_environment(S3_PAIR))
    with pytest.raises(ObjectStoreError, match="Path: a$") as caught:
        await storage.put_new("a", b"data")
    assert "s3-secret" not in caught.value.message


async def test_a_bucket_without_conditional_writes(bucket: Bucket, caplog: pytest.LogCaptureFixture) -> None:
    """Where nothing can be written conditionally, as with some that speak S3, it is written all the same."""
    bucket.knows_conditions = False
    storage = open_storage(kind_of(bucket), read_environment(S3_PAIR))
    await storage.put_new("a", b"data")
    asked = len(bucket.requests)
    await storage.put_new("b", b"other")
    assert bucket.objects == {"/b/a": b"data", "/b/b": b"other"}
    assert len(bucket.requests) == asked + 1
    assert len(caplog.messages) == 1


async def test_a_bucket_without_a_region(bucket: Bucket) -> None:
    """An endpoint and a pair of keys are enough, which is what Google Cloud Storage has to offer."""
    storage = open_storage(kind_of(bucket, bucket_name="gcs"), read_environment(S3_PAIR))
    await storage.put_new("observability/files/ab.png", b"data")
    method, path, headers = bucket.requests[0]
    assert (method, path) == ("PUT", "/gcs/observability/files/ab.png")
    assert headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=s3-id/")
    assert await storage.get("observability/files/ab.png", limit_bytes=LIMIT) == b"data"


async def test_http_must_be_allowed(bucket: Bucket) -> None:
    """Without `allow_http` nothing goes over plain HTTP, unless AWS_ALLOW_HTTP says so."""
    kind = kind_of(bucket, allow_http=None)
    with pytest.raises(ObjectStoreError):
        await open_storage(kind, read_environment(S3_PAIR)).put_new("a", b"data")
    assert bucket.requests == []
    await open_storage(kind, read_environment(S3_PAIR | {"AWS_ALLOW_HTTP": "true"})).put_new("a", b"data")
    assert list(bucket.objects) == ["/b/a"]


async def test_the_probe_writes(bucket: Bucket, tmp_path: Path) -> None:
    """A probe leaves an empty object, and says so when it cannot."""
    open_storage(StorageKind("filesystem", path=str(tmp_path)), Environment()).probe()
    assert (tmp_path / ".tensorzero-validate").read_bytes() == b""
    storage = open_storage(kind_of(bucket), read_environment(S3_PAIR))
    await asyncio.to_thread(storage.probe)
    assert bucket.objects == {"/b/.tensorzero-validate": b""}
    bucket.refuses = True
    with pytest.raises(ObjectStoreError, match="^Failed to write `.tensorzero-validate` to object store. "):
        await asyncio.to_thread(storage.probe)


def test_obstore_is_loaded_only_when_needed() -> None:
    """A gateway without object storage does not pay for the library."""
    code = "import sys, tzproxy.http.gateway; print('obstore' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["False"]


def test_kinds_travel_between_processes() -> None:
    """A storage is read back as it was written."""
    kind = StorageKind("s3_compatible", bucket_name="b", allow_http=True)
    assert decode_kind(encode_kind(kind)) == kind
