"""A bucket that speaks as much of S3 as storing and reading an object takes."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web


class Bucket:
    """Objects by path (`/bucket/key`), and the requests that were made."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.url = ""
        self.refuses = False
        self.knows_conditions = True

    async def handle(self, request: web.Request) -> web.Response:
        """Serve one request."""
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.requests.append((request.method, request.path, headers))
        if self.refuses:
            return web.Response(status=403, text="<Error><Code>AccessDenied</Code></Error>")
        if request.method == "PUT":
            if "if-none-match" in headers and not self.knows_conditions:
                return web.Response(status=501, text="<Error><Code>NotImplemented</Code></Error>")
            if headers.get("if-none-match") == "*" and request.path in self.objects:
                return web.Response(status=412)
            self.objects[request.path] = body
            return web.Response(headers={"etag": '"1"'})
        found = self.objects.get(request.path)
        if found is None:
            return web.Response(status=404, text="<Error><Code>NoSuchKey</Code></Error>")
        headers = {
            "etag": hashlib.md5(found, usedforsecurity=False).hexdigest(),
            "last-modified": "Tue, 24 Nov 2026 07:00:00 GMT",
        }
        return web.Response(body=found, headers=headers)


@asynccontextmanager
async def running_bucket() -> AsyncIterator[Bucket]:
    """Serve a bucket on a free port of this machine."""
    bucket = Bucket()
    application = web.Application(client_max_size=1 << 30)
    application.router.add_route("*", "/{path:.*}", bucket.handle)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    bucket.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield bucket
    finally:
        await runner.cleanup()
