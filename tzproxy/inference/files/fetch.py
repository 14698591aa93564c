"""Fetches files from the addresses that clients name, with limits on everything. Cold."""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Sequence
from http.cookiejar import DefaultCookiePolicy

import httpx

from tzproxy.errors import UpstreamError
from tzproxy.inference.files.guard import AddressForbiddenError, Resolve, checked_addresses, resolve
from tzproxy.inference.files.mime import HEAD_BYTES, told_by_head
from tzproxy.inference.files.remote import Budget, FetchedFile, FileFetchError
from tzproxy.upstream.cold import make_cold_client
from tzproxy.upstream.dial import tls_context
from tzproxy.upstream.endpoint import Endpoint
from tzproxy.upstream.proxies import ProxyRules
from tzproxy.upstream.settings import UpstreamSettings

logger = logging.getLogger(__name__)
MAX_REDIRECTS = 10
TIMEOUT_S = 60.0
AT_ONCE = 16
"""Files that one gateway fetches at the same time; further ones wait."""

SHOWN_BYTES = 1024
ENCODE_ELSEWHERE_BYTES = 256 * 1024
FAILURES = (
    httpx.HTTPError,
    httpx.InvalidURL,
    httpx.StreamError,
    OSError,
    OverflowError,  # a port beyond 65535
    UpstreamError,
    ValueError,  # a host name that cannot be one
)
REDIRECTS = frozenset({301, 302, 303, 307, 308})


class FileFetcher:
    """Fetches files. One per gateway; its clients are made when the first file is asked for."""

    def __init__(
        self,
        settings: UpstreamSettings,
        *,
        allow_private: bool = False,
        timeout_s: float = TIMEOUT_S,
        look_up: Resolve = resolve,
    ) -> None:
        """Open nothing yet.

        Args:
            settings: proxies, trusted roots and user agent.
            allow_private: let files come from any address.
            timeout_s: for one file, redirects included.
            look_up: resolves names; only for tests.
        """
        self._settings = settings
        self._allow_private = allow_private
        self._timeout_s = timeout_s
        self._look_up = look_up
        self._proxies = ProxyRules(settings)
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._direct: httpx.AsyncClient | None = None
        self._routed: httpx.AsyncClient | None = None

    async def fetch(self, url: str, budget: Budget) -> FetchedFile:
        """Fetch a file; redirects are followed, each hop checked like the first.

        Raises:
            FileFetchError: saying what went wrong.
        """
        try:
            async with asyncio.timeout(self._timeout_s), self._slots:
                body, content_type = await self._follow(url, budget)
        except TimeoutError as exc:
            raise FileFetchError(url, f"timed out after {self._timeout_s:g} seconds") from exc
        except AddressForbiddenError as exc:
            raise FileFetchError(
                url, f"{exc} (TZPROXY_ALLOW_PRIVATE_FILE_URLS=1 in the gateway's environment allows it)"
            ) from exc
        except FAILURES as exc:
            raise FileFetchError(url, f"Error fetching image: {_reason(exc)}") from exc
        if len(body) > ENCODE_ELSEWHERE_BYTES:
            data = await asyncio.to_thread(_encoded, body)
        else:
            data = _encoded(body)
        return _typed(url, data, bytes(body[:HEAD_BYTES]), content_type)

    async def _follow(self, url: str, budget: Budget) -> tuple[bytearray, str | None]:
        target = httpx.URL(url)
        for _ in range(MAX_REDIRECTS + 1):
            if target.scheme not in ("http", "https"):
                raise FileFetchError(url, f"Error fetching image: {target.scheme}: is not fetched")
            response = await self._open(target)
            try:
                if response.status_code not in REDIRECTS or "location" not in response.headers:
                    return await self._read(url, response, budget), response.headers.get("content-type")
                target = target.join(response.headers["location"])
            finally:
                await response.aclose()
        raise FileFetchError(url, f"Error fetching image: more than {MAX_REDIRECTS} redirects")

    async def _open(self, target: httpx.URL) -> httpx.Response:
        """Send the request for one hop, to an address that was checked."""
        host = target.raw_host.decode("ascii")
        port = target.port or (443 if target.scheme == "https" else 80)
        if self._proxies.proxy_for(Endpoint.parse(str(target.copy_with(userinfo=None)))):
            # The proxy makes the connection and decides what may be reached. A name that this machine
            # does not know is left to it; one that leads to a forbidden address here is refused here.
            try:
                await self._check(host, port)
            except OSError:
                logger.debug("%s does not resolve here: its proxy will resolve it", host)
            return await self._send(self._routed_client(), target)
        client = self._direct_client()
        addresses = await self._check(host, port)
        if not addresses:
            return await self._send(client, target)
        failure: httpx.HTTPError | None = None
        for address in addresses:
            try:
                return await self._send(client, target, address=address)
            except (httpx.ConnectError, httpx.ConnectTimeout) as exc:
                failure = exc
        assert failure is not None
        raise failure

    async def _check(self, host: str, port: int) -> Sequence[str]:
        """Return the addresses to connect to; none: whatever the name leads to."""
        if self._allow_private:
            return ()
        return await checked_addresses(host, port, look_up=self._look_up)

    async def _send(
        self, client: httpx.AsyncClient, target: httpx.URL, *, address: str | None = None
    ) -> httpx.Response:
        request = client.build_request("GET", target, headers={"accept-encoding": "identity"})
        if address is not None:
            # Host and the name that the certificate must carry stay; only the connection is pinned.
            request.url = target.copy_with(host=address)
            request.extensions["sni_hostname"] = target.raw_host.decode("ascii")
        return await client.send(request, stream=True)

    async def _read(self, url: str, response: httpx.Response, budget: Budget) -> bytearray:
        if not response.is_success:
            text = (await self._some(response)).decode(errors="replace")
            phrase = f"{response.status_code} {response.reason_phrase}".rstrip()
            raise FileFetchError(url, f"HTTP error {phrase}: {text}")
        if response.headers.get("content-encoding", "identity") != "identity":
            raise FileFetchError(url, "the server compresses although it was asked not to")
        too_large = FileFetchError(
            url, f"the files of a request may have {budget.total} bytes together, this one makes them more"
        )
        announced = response.headers.get("content-length", "")
        if announced.isdecimal() and int(announced) > budget.left:
            raise too_large
        body = bytearray()
        async for part in response.aiter_raw():
            if not budget.take(len(part)):
                raise too_large
            body += part
        return body

    @staticmethod
    async def _some(response: httpx.Response) -> bytes:
        text = bytearray()
        async for part in response.aiter_raw():
            text += part
            if len(text) >= SHOWN_BYTES:
                break
        return bytes(text[:SHOWN_BYTES])

    def _direct_client(self) -> httpx.AsyncClient:
        if self._direct is None:
            self._direct = _without_cookies(
                httpx.AsyncClient(
                    verify=tls_context(self._settings),
                    trust_env=False,
                    headers={"user-agent": self._settings.user_agent},
                    timeout=httpx.Timeout(self._timeout_s, connect=self._settings.connect_timeout_s),
                    # A connection to an address was made for one name: it must not serve another.
                    limits=httpx.Limits(max_keepalive_connections=0),
                )
            )
        return self._direct

    def _routed_client(self) -> httpx.AsyncClient:
        if self._routed is None:
            self._routed = _without_cookies(make_cold_client(self._settings, timeout_s=self._timeout_s))
        return self._routed

    async def close(self) -> None:
        """Close the clients."""
        for client in (self._direct, self._routed):
            if client is not None:
                await client.aclose()


def _typed(url: str, data: str, head: bytes, content_type: str | None) -> FetchedFile:
    """Tell the type: by the bytes, else as the server says."""
    told = told_by_head(head)
    if told is not None:
        if content_type is not None and content_type != told:
            logger.warning(
                "A fetched file is `%s` by its bytes although its server says `%s`: the bytes count",
                told,
                content_type,
            )
        return FetchedFile(data, told)
    if content_type is None:
        untold = "`mime_type` not provided, and unable to infer from file content or Content-Type header"
        return FetchedFile(data, None, untold)
    if "/" not in content_type:
        return FetchedFile(data, None, f"Content-Type header is not a valid mime type: {content_type!r}")
    return FetchedFile(data, content_type.lower())


def _encoded(body: bytearray) -> str:
    return base64.b64encode(body).decode("ascii")


def _without_cookies(client: httpx.AsyncClient) -> httpx.AsyncClient:
    """Make a client forget cookies: one request's must not travel with another's."""
    client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return client


def _reason(exc: Exception) -> str:
    return str(exc) or type(exc).__name__
