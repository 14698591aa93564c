"""Builds everything that answers requests, and owns it until it is closed.

Knows no server: others put routes in front of it. A new service is one attribute and one line in `open`; what
has to be let go is said where it is made (`_ending`). Cold.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from tzproxy.batch.services import BatchInference, LateJobs, batch_inference, http_jobs
from tzproxy.clickhouse import AsyncStoreClient, StoreClient
from tzproxy.clickhouse.queries.batches import Batches
from tzproxy.clickhouse.queries.cache import CachedReplies
from tzproxy.clickhouse.queries.datapoints import Datapoints
from tzproxy.clickhouse.queries.dicl import LearningExamples
from tzproxy.clickhouse.queries.evaluations import EvaluationStore
from tzproxy.clickhouse.queries.experiments import ExperimentStore
from tzproxy.clickhouse.queries.feedback import FeedbackTargets
from tzproxy.clickhouse.queries.inference_query import FunctionType
from tzproxy.clickhouse.queries.inferences import StoredInferences
from tzproxy.clickhouse.queries.optimization_tasks import OptimizationTasks
from tzproxy.clickhouse.queries.workflow import WorkflowEpisodes, WorkflowRuns
from tzproxy.config import LoadedConfig
from tzproxy.datasets.datasets import Datasets
from tzproxy.datasets.from_inferences import InferenceSource
from tzproxy.evaluations.evaluations import Evaluations
from tzproxy.experimentation.updater import ExperimentUpdater
from tzproxy.feedback.intake import FeedbackIntake, FeedbackOptions
from tzproxy.feedback.targets import Targets
from tzproxy.inference.cache import ModelCache
from tzproxy.inference.catalog import ConfigCatalog
from tzproxy.inference.embedder import Embedder
from tzproxy.inference.engine import Engine
from tzproxy.inference.files.keep import FileKeeper
from tzproxy.inference.files.remote import Fetcher
from tzproxy.inference.limited import LimitedModelCaller
from tzproxy.inference.metrics import GatewayMetrics
from tzproxy.inference.model import ModelCaller
from tzproxy.inference.plan import DEFAULT_FUNCTION
from tzproxy.inference.surroundings import upstream_settings
from tzproxy.limits.opening import open_limiter
from tzproxy.optimization.gepa.plan import Planner
from tzproxy.optimization.gepa.tasks import GepaParts, GepaTasks
from tzproxy.optimization.services import optimization
from tzproxy.optimization.workflow import Optimization
from tzproxy.reading.inferences import InferenceReader
from tzproxy.reading.readers import Readers, open_readers
from tzproxy.recording.sink import NullSink, RingSink, Sink
from tzproxy.services.metrics import SharedMetrics
from tzproxy.services.settings import API_VERSION, WorkerSettings
from tzproxy.upstream import Upstream, UpstreamSettings
from tzproxy.workflow.runs import Workflows

STORE_CONNECT_S = 5.0
STORE_ANSWER_S = 30.0
"""A store that sleeps may take so long to wake up; who waits longer waits for one that hangs."""

SEARCH_ANSWER_S = 60.0
"""The embedded store gives no sign of life while it searches."""


class Services:
    """The parts of one worker. Those declared without a value are there once `open` has returned."""

    upstream: Upstream
    metrics: GatewayMetrics
    exposed: GatewayMetrics | SharedMetrics
    """The figures that are told: this worker's, or the sum over all."""

    cache: ModelCache | None
    embedder: Embedder
    keeper: FileKeeper
    engine: Engine
    intake: FeedbackIntake
    workflows: Workflows
    inferences: InferenceReader
    datasets: Datasets
    batches: BatchInference
    readers: Readers | None
    evaluations: Evaluations
    gepa: GepaTasks
    optimization: Optimization

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
        self.settings = settings
        self.loaded = LoadedConfig.from_bytes(settings.config, environ=environ)
        self.catalog = ConfigCatalog(self.loaded)
        self.sink: Sink = sink or NullSink()
        self.store: AsyncStoreClient | None = None
        self._replies: CachedReplies | None = None
        self._experiments: ExperimentUpdater | None = None
        self._open_upstream = open_upstream
        self._ending = AsyncExitStack()

    def open(self) -> None:
        """Open connections and ring, and build the services, inside the running loop."""
        gateway = self.loaded.config.gateway
        self._open_store()
        self._open_sink()
        self.upstream = self._open_upstream(self._upstream_settings())
        self._ending.push_async_callback(self.upstream.aclose)
        self._open_metrics(gateway.metrics.tensorzero_inference_latency_overhead_seconds_buckets)
        caller = self._caller()
        self.cache = self._cache()
        self.embedder = Embedder(
            self.catalog.embedding_models,
            caller.embedder,
            self.metrics,
            cache=self.cache,
        )
        self.keeper = FileKeeper(
            self.catalog.files, self._fetcher, self.loaded.environment, records=self.is_recording
        )
        self._ending.push_async_callback(self.keeper.close)
        self.engine = Engine(
            self.catalog,
            caller,
            self.sink,
            self.metrics,
            episodes=None if self.store is None else WorkflowEpisodes(self.store),
            cache=self.cache,
            files=self.keeper,
            synchronous=self.settings.synchronous,
        )
        self.intake = self._intake()
        self.workflows = Workflows(self.catalog, None if self.store is None else WorkflowRuns(self.store))
        self._open_reading()
        jobs = self._open_jobs()
        self.batches = self._batches(jobs)
        self.evaluations = self._evaluations()
        self.gepa = self._gepa()
        self._ending.push_async_callback(self.gepa.close)
        self.optimization = optimization(
            self.gepa.parts,
            jobs,
            keeper=self.keeper,
            inferences=self.inferences,
            datasets=self.datasets,
            embedder=self.embedder,
            examples=None if self.store is None else LearningExamples(self.store),
        )
        if self.store is not None:
            self._experiments = ExperimentUpdater(self.catalog.experiments, ExperimentStore(self.store))
            self._experiments.start()
            self._ending.push_async_callback(self._experiments.close)

    async def ready(self) -> None:
        """Wait for what has to be known of the store before the first request."""
        if self._experiments is not None:
            await self._experiments.ready()

    def _open_metrics(self, bounds: Sequence[float]) -> None:
        self.exposed = self.metrics = GatewayMetrics(bounds)
        if self.settings.metrics_dir is not None:
            shared = SharedMetrics(self.metrics, bounds, Path(self.settings.metrics_dir))
            shared.begin()
            self._ending.callback(shared.close)
            self.exposed = shared

    def _open_reading(self) -> None:
        stored, datapoints, self.readers = None, None, None
        functions = self.function_types()
        if self.settings.store_url is not None:
            # Its own threads: a search through everything must not hold up feedback. Filters may be long.
            store = AsyncStoreClient(
                self.settings.store_url,
                threads=2,
                connect_timeout_s=STORE_CONNECT_S,
                timeout_s=SEARCH_ANSWER_S,
                params_in_body=True,
            )
            self._ending.push_async_callback(store.close)
            stored = StoredInferences(store, self.loaded.metrics)
            datapoints = Datapoints(store)
            self.readers = open_readers(store, self.loaded.metrics, self.catalog.functions, functions)
        self.inferences = InferenceReader(stored, functions)
        self.datasets = Datasets(
            self.catalog,
            datapoints,
            self.keeper,
            None if stored is None else InferenceSource(self.catalog, stored, functions),
        )

    def function_types(self) -> dict[str, FunctionType]:
        """Return the type of every function whose inferences may be stored."""
        types: dict[str, FunctionType] = {DEFAULT_FUNCTION: "chat"}
        return types | {name: function.type for name, function in self.catalog.functions.items()}

    @property
    def is_recording(self) -> bool:
        """Whether rows go anywhere."""
        return not isinstance(self.sink, NullSink)

    def _open_sink(self) -> None:
        if self.settings.rings_dir is not None:
            ring = RingSink(None, self.settings.ring_bytes, rings_dir=self.settings.rings_dir)
            self._ending.callback(ring.close)
            self.sink = ring

    def _open_store(self) -> None:
        if self.settings.store_url is None:
            return
        self.store = AsyncStoreClient(
            self.settings.store_url,
            threads=2,
            connect_timeout_s=STORE_CONNECT_S,
            timeout_s=STORE_ANSWER_S,
        )
        # Its own threads and short timeouts: a slow look-up must not hold up other statements.
        self._replies = CachedReplies(
            AsyncStoreClient(self.settings.store_url, connect_timeout_s=1.0, timeout_s=2.0)
        )
        self._ending.push_async_callback(self.store.close)
        self._ending.push_async_callback(self._replies.close)

    def _caller(self) -> ModelCaller:
        timeout_s = self.loaded.config.gateway.global_outbound_http_timeout_ms / 1000
        examples = None if self.store is None else LearningExamples(self.store)
        data_dir = Path(self.settings.data_dir)
        limiter = open_limiter(self.loaded, data_dir, count_refusal=self.metrics.count_refusal)
        if limiter is None:
            return ModelCaller(self.upstream, global_timeout_s=timeout_s, examples=examples)
        self._ending.push_async_callback(limiter.close)
        return LimitedModelCaller(self.upstream, limiter, global_timeout_s=timeout_s, examples=examples)

    def _upstream_settings(self) -> UpstreamSettings:
        return upstream_settings(self.loaded, user_agent=f"TensorZero/{API_VERSION}")

    def _fetcher(self) -> Fetcher:
        from tzproxy.inference.files.fetch import FileFetcher  # noqa: PLC0415 - httpx is slow to load

        allowed = self.loaded.environment.allow_private_file_urls
        return FileFetcher(self._upstream_settings(), allow_private=allowed)

    def _cache(self) -> ModelCache | None:
        if self.loaded.config.gateway.cache.enabled is False:
            return None
        return ModelCache(self.sink, lookup=self._replies)

    def _intake(self) -> FeedbackIntake:
        gateway = self.loaded.config.gateway
        options = FeedbackOptions(
            metrics=self.loaded.metrics,
            enabled=self.is_recording,
            validate_targets=not gateway.unstable_disable_feedback_target_validation,
            synchronous=self.settings.synchronous,
        )
        targets = Targets(self.engine.recent, None if self.store is None else FeedbackTargets(self.store))
        return FeedbackIntake(self.catalog, targets, self.sink, self.metrics, options=options)

    def _evaluations(self) -> Evaluations:
        return Evaluations(
            self.loaded.config,
            self.engine,
            self.intake,
            self.sink,
            datapoints=None if self.store is None else Datapoints(self.store),
            store=None if self.store is None else EvaluationStore(self.store),
        )

    def _gepa(self) -> GepaTasks:
        planner, store = None, None
        if self.store is not None:
            datapoints = Datapoints(self.store)
            planner = Planner(self.loaded, self.catalog, self.evaluations.targets, datapoints)
            store = OptimizationTasks(self.store, self._make_task_table)
        return GepaTasks(
            GepaParts(
                loaded=self.loaded,
                engine=self.engine,
                evaluations=self.evaluations,
                planner=planner,
                store=store,
            )
        )

    def _make_task_table(self, client: StoreClient) -> None:
        from tzproxy.services.store import make_task_table  # noqa: PLC0415 - loads the whole schema

        make_task_table(client, self.loaded)

    def _open_jobs(self) -> LateJobs:
        timeout_s = self.loaded.config.gateway.global_outbound_http_timeout_ms / 1000
        jobs = LateJobs(lambda: http_jobs(self._upstream_settings(), timeout_s=timeout_s))
        self._ending.push_async_callback(jobs.close)
        return jobs

    def _batches(self, jobs: LateJobs) -> BatchInference:
        store = Batches(self.store) if self.store is not None and self.is_recording else None
        keeps = self.cache is not None
        return batch_inference(
            self.catalog, store, jobs, self.metrics, files=self.keeper, keeps_replies=keeps
        )

    async def close(self) -> None:
        """Let go of connections and ring; rows that wait stay in the ring's file."""
        await self._ending.aclose()
