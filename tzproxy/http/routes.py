"""Which route is served by which service. A new route is one line. Cold."""

from __future__ import annotations

from pathlib import Path

from tzproxy.datasets.june_2025 import DatasetsOf2025
from tzproxy.http.anthropic.route import anthropic_routes
from tzproxy.http.app import Handler
from tzproxy.http.batch import batch_routes
from tzproxy.http.configuration import ConfigByHashRoute, CurrentConfigRoute, KeepConfigRoute
from tzproxy.http.datasets import dataset_routes
from tzproxy.http.datasets_2025 import june_2025_routes
from tzproxy.http.errors import ErrorShape
from tzproxy.http.evaluations import RunEvaluationRoute
from tzproxy.http.feedback import FeedbackRoute
from tzproxy.http.gepa import gepa_routes
from tzproxy.http.models import ModelRoute, ModelsRoute
from tzproxy.http.native import InferenceRoute
from tzproxy.http.object_storage import ObjectStorageRoute
from tzproxy.http.openai.embeddings import EmbeddingsRoute
from tzproxy.http.openai.route import ChatCompletionsRoute
from tzproxy.http.operations import HealthRoute, MetricsRoute, RecordingCollector, StatusRoute
from tzproxy.http.optimization import optimization_routes
from tzproxy.http.reading.routes import reading_routes
from tzproxy.http.responses.route import ResponsesRoute
from tzproxy.http.variant_sampling import VariantSamplingRoute
from tzproxy.http.workflow import workflow_routes
from tzproxy.services.services import Services


def routes_of(services: Services, shape: ErrorShape) -> dict[tuple[str, str], Handler]:
    """Put a route in front of everything that opened services offer: (method, path) to handler."""
    engine = services.engine
    models = services.loaded.config.models
    recording = [RecordingCollector(Path(services.settings.data_dir))] if services.settings.rings_dir else []
    return {
        ("POST", "/inference"): InferenceRoute(engine, shape),
        ("POST", "/openai/v1/chat/completions"): ChatCompletionsRoute(engine, shape),
        ("POST", "/openai/v1/embeddings"): EmbeddingsRoute(services.embedder, shape),
        ("POST", "/openai/v1/responses"): ResponsesRoute(engine, shape),
        ("GET", "/openai/v1/models"): ModelsRoute(services.catalog, models),
        ("GET", "/openai/v1/models/{model}"): ModelRoute(services.catalog),
        **anthropic_routes(engine, models),
        ("POST", "/feedback"): FeedbackRoute(services.intake),
        **workflow_routes(services.workflows),
        **batch_routes(services.batches),
        **reading_routes(services.inferences, services.readers),
        **dataset_routes(services.datasets),
        **june_2025_routes(DatasetsOf2025(services.datasets, services.catalog, services.keeper)),
        ("POST", "/internal/evaluations/run"): RunEvaluationRoute(services.evaluations),
        **gepa_routes(services.gepa),
        **optimization_routes(services.optimization),
        ("GET", "/internal/object_storage"): ObjectStorageRoute(services.keeper),
        ("GET", "/internal/functions/{function_name}/variant_sampling_probabilities"): VariantSamplingRoute(
            services.catalog
        ),
        ("GET", "/internal/config"): CurrentConfigRoute(services.loaded, services.catalog),
        ("GET", "/internal/config/{hash}"): ConfigByHashRoute(services.store),
        ("POST", "/internal/config"): KeepConfigRoute(services.store),
        ("GET", "/status"): StatusRoute(str(services.catalog.snapshot.hash_int)),
        ("GET", "/health"): HealthRoute(services.store),
        ("GET", "/metrics"): MetricsRoute([services.exposed, *recording]),
    }
