"""What a gateway has of optimisation, put together. Cold."""

from __future__ import annotations

from collections.abc import Sequence

from tzproxy.clickhouse.queries.dicl import LearningExamples
from tzproxy.config import LoadedConfig
from tzproxy.config.credentials import RULES
from tzproxy.config.provider_types import GcpVertexGeminiSftSettings, TogetherSftSettings
from tzproxy.datasets.datasets import Datasets
from tzproxy.inference.embedder import Embedder
from tzproxy.inference.files.keep import FileKeeper
from tzproxy.inference.surroundings import surroundings_of
from tzproxy.optimization.dicl import DiclOptimizer
from tzproxy.optimization.fireworks import FireworksSft
from tzproxy.optimization.gepa.optimizer import GepaOptimizer
from tzproxy.optimization.gepa.tasks import GepaParts
from tzproxy.optimization.openai.jobs import TuningJobs
from tzproxy.optimization.openai.rft import OpenAIRft
from tzproxy.optimization.openai.sft import OpenAISft
from tzproxy.optimization.optimizers import Optimizer, Optimizers
from tzproxy.optimization.places import Places, places
from tzproxy.optimization.render import Renderer
from tzproxy.optimization.service import TuningService
from tzproxy.optimization.together import TogetherSft
from tzproxy.optimization.vertex import VertexServices, VertexSft
from tzproxy.optimization.workflow import Optimization
from tzproxy.providers.batches import Jobs
from tzproxy.providers.chat_completions import rows
from tzproxy.providers.chat_completions.row import ChatRow
from tzproxy.providers.credentials import HeaderAuth, build_headers
from tzproxy.providers.gcp_build import build_gcp_headers, host_of
from tzproxy.providers.gemini.batch import SPEC, STORAGE_HOST
from tzproxy.reading.inferences import InferenceReader


def optimization(
    searches: GepaParts,
    jobs: Jobs,
    *,
    keeper: FileKeeper,
    inferences: InferenceReader,
    datasets: Datasets,
    embedder: Embedder,
    examples: LearningExamples | None,
) -> Optimization:
    """Build all of it; nothing is opened, and a missing key is told when a job needs it."""
    loaded, catalog = searches.loaded, searches.engine.catalog
    return Optimization(
        Renderer(catalog, keeper),
        Optimizers(
            {
                **_optimizers(loaded, jobs),
                "dicl": DiclOptimizer(catalog.functions, embedder, examples),
                "gepa": GepaOptimizer(searches, datasets),
            }
        ),
        inferences=inferences,
        datasets=datasets,
    )


def _optimizers(loaded: LoadedConfig, jobs: Jobs) -> dict[str, Optimizer]:
    at = places(loaded.environment.mock_provider_api)
    types = loaded.config.provider_types
    openai = TuningJobs(_service(rows.OPENAI, at.openai, loaded, jobs))
    fireworks = _service(rows.FIREWORKS, at.fireworks, loaded, jobs)
    further = types.together.sft or TogetherSftSettings()
    secrets = [key.reveal() for key in (further.wandb_api_key, further.hf_api_token) if key is not None]
    together = _service(rows.TOGETHER, at.together, loaded, jobs, secrets=secrets)
    vertex = types.gcp_vertex_gemini.sft
    return {
        "openai_sft": OpenAISft(openai),
        "openai_rft": OpenAIRft(openai),
        "fireworks_sft": FireworksSft(
            fireworks, None if types.fireworks.sft is None else types.fireworks.sft.account_id
        ),
        "together_sft": TogetherSft(together, further),
        "gcp_vertex_gemini_sft": VertexSft(vertex, lambda: _vertex(vertex, at, loaded, jobs)),
    }


def _service(
    row: ChatRow, base: str, loaded: LoadedConfig, jobs: Jobs, *, secrets: Sequence[str] = ()
) -> TuningService:
    """Make the service of a provider whose key travels as other requests' do."""
    kind = row.spec.type
    auth = HeaderAuth(display=RULES[kind].missing_display, optional=row.keyless)
    headers = build_headers(auth, loaded.default_credential(kind))
    return TuningService(row.spec, base, headers, jobs, secrets=secrets)


def _vertex(
    settings: GcpVertexGeminiSftSettings | None, at: Places, loaded: LoadedConfig, jobs: Jobs
) -> VertexServices:
    """Make the services of Google, each with tokens of its own: a token is good for one host."""
    assert settings is not None
    host = host_of(settings.region)
    surroundings = surroundings_of(loaded)

    def service(base: str, audience: str) -> TuningService:
        kind = SPEC.type
        headers = build_gcp_headers(
            RULES[kind].missing_display,
            loaded.default_credential(kind),
            host=audience,
            surroundings=surroundings,
        )
        return TuningService(SPEC, base, headers, jobs)

    return VertexServices(
        jobs=service(at.vertex or f"https://{host}/", host), storage=service(at.storage, STORAGE_HOST)
    )
