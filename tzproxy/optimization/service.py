"""One provider's API for tuning: requests with its key, answers decoded, refusals as errors. Cold.

No key gets into an error, whatever the provider says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, TypeVar

import msgspec

from tzproxy.optimization.multipart import FormPart, written_form
from tzproxy.providers.batches import JobRequest, Jobs, exchange, headers_without_type
from tzproxy.providers.credentials import RequestHeaders, prepare_headers
from tzproxy.providers.driving import error_response
from tzproxy.providers.errors import ProviderError, server_error
from tzproxy.providers.protocol import ProviderSpec
from tzproxy.providers.unreadable import UNREADABLE, reason_for
from tzproxy.providers.urls import join_url

T = TypeVar("T")
HIDDEN = "[hidden]"
SHORTEST_SECRET = 4
"""What is shorter stands in many texts by chance."""

ENCODE = msgspec.json.Encoder().encode
JSON = ("content-type", "application/json")


class TuningService:
    """Calls one provider."""

    def __init__(
        self,
        spec: ProviderSpec,
        base: str,
        headers: RequestHeaders,
        jobs: Jobs,
        *,
        secrets: Sequence[str] = (),
    ) -> None:
        """Prepare.

        Args:
            spec: the provider's facts.
            base: URL that paths follow.
            headers: make the headers with the key.
            jobs: carries requests.
            secrets: further texts that must not be in an error.
        """
        self.spec = spec
        self.base = base
        self._headers = headers
        self._jobs = jobs
        self._secrets = tuple(secrets)

    async def get(self, path: str, decode: Callable[[bytes], T]) -> T:
        """Read something.

        Raises:
            ProviderError: when there is no answer, it is a refusal, or nobody understands it.
        """
        return self.decoded(decode, await self._send("GET", path))

    async def post(self, path: str, body: object, decode: Callable[[bytes], T]) -> T:
        """Send JSON. Raises as `get`."""
        answer = await self._send("POST", path, ENCODE(body), JSON)
        return self.decoded(decode, answer)

    async def post_form(self, path: str, parts: Sequence[FormPart]) -> bytes:
        """Send a form, and return the answer as it is. Raises as `get`."""
        content_type, body = written_form(parts)
        return await self._send("POST", path, body, ("content-type", content_type))

    async def put(self, url: str, data: bytes, content_type: str) -> None:
        """Send data to where it is kept. Raises as `get`."""
        await self._send("PUT", url, data, ("content-type", content_type))

    def url(self, path: str) -> str:
        """Return where a path of this provider is."""
        return path if path.startswith(("https://", "http://")) else join_url(self.base, path)

    async def _send(
        self,
        method: Literal["GET", "POST", "PUT"],
        path: str,
        body: bytes = b"",
        *pairs: tuple[str, str],
    ) -> bytes:
        await prepare_headers(self._headers, {})
        keys = headers_without_type(self._headers.resolve({}))
        request = JobRequest(method=method, url=self.url(path), headers=(*pairs, *keys), body=body)
        answer = await exchange(self._jobs, self.spec, request)
        if not 200 <= answer.status < 300:
            told = self._hidden(answer.body, keys)
            raise error_response(self.spec, answer.status, answer.headers, told, raw_request=None)
        return answer.body

    def _hidden(self, body: bytes, keys: Sequence[tuple[str, str]]) -> bytes:
        own = [value.rpartition(" ")[2] for name, value in keys if name.lower() == "authorization"]
        for secret in (*own, *self._secrets):
            if len(secret) >= SHORTEST_SECRET:
                body = body.replace(secret.encode(), HIDDEN.encode())
        return body

    def decoded(self, decode: Callable[[bytes], T], body: bytes) -> T:
        """Read an answer.

        Raises:
            ProviderError: when nobody understands it.
        """
        try:
            return decode(body)
        except UNREADABLE as exc:
            raise self.failure(f"Error parsing JSON response: {reason_for(exc)}") from exc

    def failure(self, reason: str) -> ProviderError:
        """Make the error for an answer that makes no sense."""
        return server_error(self.spec.type, reason)

    def unknown_state(self, state: str, known: Sequence[str]) -> ProviderError:
        """Make the error for a state that nobody has heard of."""
        listed = ", ".join(f"`{name}`" for name in known)
        return self.failure(
            f"Error parsing JSON response: unknown variant `{state}`, expected one of {listed}"
        )
