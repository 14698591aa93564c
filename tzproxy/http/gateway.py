"""One gateway worker: builds engine and routes from a configuration, and serves them over ASGI or RSGI."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from tzproxy.clickhouse import AsyncStoreClient
from tzproxy.clickhouse.queries.cache import CachedReplies
from tzproxy.clickhouse.queries.dicl import LearningExamples
from tzproxy.clickhouse.queries.feedback import FeedbackTargets
from tzproxy.clickhouse.queries.workflow import WorkflowEpisodes, WorkflowRuns
from tzproxy.config import LoadedConfig
from tzproxy.feedback.intake import FeedbackIntake, FeedbackOptions
from tzproxy.feedback.targets import Targets
from tzproxy.http.anthropic.route import anthropic_routes
from tzproxy.http.app import App, Handler
from tzproxy.http.asgi import AsgiExchange, Receive, Scope, Send
from tzproxy.http.errors import ErrorShape
from tzproxy.http.exchange import API_VERSION, Exchange
from tzproxy.http.feedback import FeedbackRoute
from tzproxy.http.models import ModelRoute, ModelsRoute
from tzproxy.http.native import InferenceRoute
from tzproxy.http.object_storage import ObjectStorageRoute
from tzproxy.http.openai.embeddings import EmbeddingsRoute
from tzproxy.http.openai.route import ChatCompletionsRoute
from tzproxy.http.operations import HealthRoute, MetricsRoute, RecordingCollector, StatusRoute
from tzproxy.http.responses.route import ResponsesRoute
from tzproxy.http.rsgi import RsgiExchange
from tzproxy.http.unbuilt import unbuilt_routes
from tzproxy.http.workflow import WorkflowEpisodeRoute, WorkflowRunRoute
from tzproxy.inference.cache import ModelCache
from tzproxy.inference.catalog import ConfigCatalog
from tzproxy.inference.embedder import Embedder
from tzproxy.inference.embedding import EmbeddingCaller
from tzproxy.inference.engine import Engine
from tzproxy.inference.files.keep import FileKeeper
from tzproxy.inference.files.remote import Fetcher
from tzproxy.inference.metrics import GatewayMetrics
from tzproxy.inference.model import ModelCaller
from tzproxy.inference.surroundings import upstream_settings
from tzproxy.recording.sink import NullSink, RingSink, Sink
from tzproxy.upstream import Upstream, UpstreamSettings
from tzproxy.workflow.runs import Workflows

logger = logging.getLogger(__name__)


class WorkerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker process is told. `store_url` holds a password: it is never printed.

    `config` is the parent's validated configuration, so that all workers run exactly that one.
    `rings_dir` None: nothing is recorded.
    """

    config: bytes
    data_dir: str
    rings_dir: str | None = None
    store_url: str | None = None
    synchronous: bool = False
    ring_bytes: int = 32 * 1024 * 1024

    def __repr__(self) -> str:
        return f"WorkerSettings(data_dir={self.data_dir!r})"


class Gateway:
    """The application of one worker, under both of Granian's calling conventions."""

    def __init__(
        self,
        settings: WorkerSettings,
        environ: Mapping[str, str],
        *,
        sink: Sink | None = None,
        open_upstream: Callable[[UpstreamSettings], Upstream] = Upstream,
    ) -> None:
        """Load and compile the configuration; open nothing yet.

        Args:
            settings: what the parent process decided.
            environ: where credentials come from.
            sink: takes the rows in place of a ring.
            open_upstream: makes the client of providers; called inside the running loop.

        Raises:
            ConfigError: when the configuration does not fit the environment.
        """
        self._settings = settings
        self._loaded = LoadedConfig.from_bytes(settings.config, environ=environ)
        self._catalog = ConfigCatalog(self._loaded)
        self._serve: Callable[[Exchange], Awaitable[None]] = _not_open
        self._upstream: Upstream | None = None
        self._open_upstream = open_upstream
        self._sink: Sink = sink or NullSink()
        self._store: AsyncStoreClient | None = None
        self._replies: CachedReplies | None = None
        self._keeper: FileKeeper | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI scope."""
        if scope["type"] == "http":
            await self._serve(AsgiExchange(scope, receive, send))
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self.open()
                await send({"type": "lifespan.startup.complete"})
            else:
                await self.close()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        """Serve one RSGI scope."""
        await self._serve(RsgiExchange(scope, protocol))

    async def serve_with_body(self, scope: Any, protocol: Any, body: bytes) -> None:
        """Serve one RSGI scope whose body has been read."""
        await self._serve(RsgiExchange(scope, protocol, body))

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Open before the first request; RSGI calls this outside the loop."""

        async def open_inside() -> None:
            self.open()

        loop.run_until_complete(open_inside())
        _settle_memory()

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Close after the last request."""
        loop.run_until_complete(self.close())

    def open(self) -> None:
        """Open connections and ring inside the running loop."""
        gateway = self._loaded.config.gateway
        self._upstream = self._open_upstream(self._upstream_settings())
        if self._settings.rings_dir is not None:
            self._sink = RingSink(None, self._settings.ring_bytes, rings_dir=self._settings.rings_dir)
        if self._settings.store_url is not None:
            self._store = AsyncStoreClient(self._settings.store_url, threads=2)
            # Its own threads and short timeouts: a slow look-up must not hold up other statements.
            self._replies = CachedReplies(
                AsyncStoreClient(self._settings.store_url, connect_timeout_s=1.0, timeout_s=2.0)
            )
        metrics = GatewayMetrics(gateway.metrics.tensorzero_inference_latency_overhead_seconds_buckets)
        caller = ModelCaller(
            self._upstream,
            global_timeout_s=gateway.global_outbound_http_timeout_ms / 1000,
            examples=None if self._store is None else LearningExamples(self._store),
        )
        cache = self._cache()
        embedder = Embedder(
            self._catalog.embedding_models,
            EmbeddingCaller(caller),
            metrics,
            cache=cache,
            refusal=self._catalog.refusal,
        )
        self._keeper = keeper = FileKeeper(
            self._catalog.files,
            self._fetcher,
            self._loaded.environment,
            records=not isinstance(self._sink, NullSink),
        )
        engine = Engine(
            self._catalog,
            caller,
            self._sink,
            metrics,
            episodes=None if self._store is None else WorkflowEpisodes(self._store),
            cache=cache,
            files=keeper,
            synchronous=self._settings.synchronous,
        )
        shape = ErrorShape(gateway.unstable_error_json)
        routes = self._routes(engine, embedder, metrics, shape)
        routes["GET", "/internal/object_storage"] = ObjectStorageRoute(keeper)
        app = App(routes, base_path=gateway.base_path, shape=shape)
        self._serve = app.serve

    def _upstream_settings(self) -> UpstreamSettings:
        return upstream_settings(self._loaded, user_agent=f"TensorZero/{API_VERSION}")

    def _fetcher(self) -> Fetcher:
        from tzproxy.inference.files.fetch import FileFetcher  # noqa: PLC0415 - httpx is slow to load

        allowed = self._loaded.environment.allow_private_file_urls
        return FileFetcher(self._upstream_settings(), allow_private=allowed)

    def _cache(self) -> ModelCache | None:
        if self._loaded.config.gateway.cache.enabled is False:
            return None
        return ModelCache(self._sink, lookup=self._replies)

    def _routes(
        self, engine: Engine, embedder: Embedder, metrics: GatewayMetrics, shape: ErrorShape
    ) -> dict[tuple[str, str], Handler]:
        recording = [RecordingCollector(Path(self._settings.data_dir))] if self._settings.rings_dir else []
        workflows = Workflows(self._catalog, None if self._store is None else WorkflowRuns(self._store))
        return {
            **unbuilt_routes(),
            ("POST", "/inference"): InferenceRoute(engine, shape),
            ("POST", "/openai/v1/chat/completions"): ChatCompletionsRoute(engine, shape),
            ("POST", "/openai/v1/embeddings"): EmbeddingsRoute(embedder, shape),
            ("POST", "/openai/v1/responses"): ResponsesRoute(engine, shape),
            ("GET", "/openai/v1/models"): ModelsRoute(self._catalog, self._loaded.config.models),
            ("GET", "/openai/v1/models/{model}"): ModelRoute(self._catalog),
            **anthropic_routes(engine, self._loaded.config.models),
            ("POST", "/feedback"): FeedbackRoute(self._intake(engine, metrics)),
            ("POST", "/workflow_evaluation_run"): WorkflowRunRoute(workflows),
            ("POST", "/workflow_evaluation_run/{run_id}/episode"): WorkflowEpisodeRoute(workflows),
            ("GET", "/status"): StatusRoute(self._catalog.snapshot.hash_hex),
            ("GET", "/health"): HealthRoute(self._store),
            ("GET", "/metrics"): MetricsRoute([metrics, *recording]),
        }

    def _intake(self, engine: Engine, metrics: GatewayMetrics) -> FeedbackIntake:
        gateway = self._loaded.config.gateway
        options = FeedbackOptions(
            metrics=self._loaded.metrics,
            enabled=not isinstance(self._sink, NullSink),
            validate_targets=not gateway.unstable_disable_feedback_target_validation,
            synchronous=self._settings.synchronous,
        )
        targets = Targets(engine.recent, None if self._store is None else FeedbackTargets(self._store))
        return FeedbackIntake(self._catalog, targets, self._sink, metrics, options=options)

    async def close(self) -> None:
        """Let go of connections and ring; rows that wait stay in the ring's file."""
        if self._keeper is not None:
            await self._keeper.close()
        if self._upstream is not None:
            await self._upstream.aclose()
        if isinstance(self._sink, RingSink):
            self._sink.close()
        if self._store is not None:
            await self._store.close()
        if self._replies is not None:
            await self._replies.close()


def _settle_memory() -> None:
    """Take what start-up built out of the garbage collector's sight and let it look less often.

    PERF: requests leave almost no cycles, and each look costs in proportion to what is alive
    (test_100_requests).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


async def _not_open(exchange: Exchange) -> None:
    raise RuntimeError("the server sends requests after the start-up event only")
