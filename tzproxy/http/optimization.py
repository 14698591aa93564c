"""The routes that launch optimisations and ask for them. Cold.

None of them is given up when its client leaves: a job that a provider has taken cannot be taken back.
"""

from __future__ import annotations

import msgspec

from tzproxy.http.app import Handler
from tzproxy.http.errors import decode_body
from tzproxy.http.exchange import Exchange, ResponseHeaders
from tzproxy.optimization.render import RenderRequest
from tzproxy.optimization.request import LaunchRequest, WorkflowRequest
from tzproxy.optimization.workflow import Optimization

WORKFLOW = msgspec.json.Decoder(WorkflowRequest)
LAUNCH = msgspec.json.Decoder(LaunchRequest)
RENDER = msgspec.json.Decoder(RenderRequest)
ENCODER = msgspec.json.Encoder()
TEXT_HEADERS = ResponseHeaders(("content-type", "text/plain; charset=utf-8"))


class WorkflowRoute:
    """`POST /experimental_optimization_workflow`: the handle as bare text."""

    def __init__(self, optimization: Optimization) -> None:
        self._optimization = optimization

    async def __call__(self, exchange: Exchange) -> None:
        """Answer one request."""
        request = decode_body(WORKFLOW, await exchange.body())
        handle = await self._optimization.launch_workflow(request)
        await exchange.answer(200, handle.encode(), TEXT_HEADERS)


class PollRoute:
    """`GET /experimental_optimization/{job_handle}`."""

    def __init__(self, optimization: Optimization) -> None:
        self._optimization = optimization

    async def __call__(self, exchange: Exchange) -> None:
        """Answer one request."""
        info = await self._optimization.poll(exchange.parameters["job_handle"])
        await exchange.answer(200, ENCODER.encode(info))


class LaunchRoute:
    """Launches over samples that the client has rendered. For embedded gateways alone."""

    def __init__(self, optimization: Optimization) -> None:
        self._optimization = optimization

    async def __call__(self, exchange: Exchange) -> None:
        """Answer one request."""
        request = decode_body(LAUNCH, await exchange.body())
        handle = await self._optimization.launch(request)
        await exchange.answer(200, handle.encode(), TEXT_HEADERS)


class RenderRoute:
    """Renders samples. For embedded gateways alone."""

    def __init__(self, optimization: Optimization) -> None:
        self._optimization = optimization

    async def __call__(self, exchange: Exchange) -> None:
        """Answer one request."""
        request = decode_body(RENDER, await exchange.body())
        rendered = await self._optimization.renderer.render(request)
        await exchange.answer(200, ENCODER.encode(rendered))


def optimization_routes(optimization: Optimization) -> dict[tuple[str, str], Handler]:
    """Return the routes that everybody has."""
    return {
        ("POST", "/experimental_optimization_workflow"): WorkflowRoute(optimization),
        ("GET", "/experimental_optimization/{job_handle}"): PollRoute(optimization),
    }


def embedded_routes(optimization: Optimization) -> dict[tuple[str, str], Handler]:
    """Return the routes that only a client in the same process has: TensorZero's have no HTTP."""
    return {
        ("POST", "/internal/embedded/launch_optimization"): LaunchRoute(optimization),
        ("POST", "/internal/embedded/render_samples"): RenderRoute(optimization),
    }
