"""What a gateway has of optimisation, put together. Cold."""

from __future__ import annotations

from tzproxy.config import LoadedConfig
from tzproxy.config.credentials import RULES
from tzproxy.datasets.datasets import Datasets
from tzproxy.inference.engine import Catalog
from tzproxy.inference.files.keep import FileKeeper
from tzproxy.optimization.openai.jobs import TuningJobs
from tzproxy.optimization.openai.rft import OpenAIRft
from tzproxy.optimization.openai.sft import OpenAISft
from tzproxy.optimization.optimizers import Optimizer, Optimizers
from tzproxy.optimization.places import places
from tzproxy.optimization.render import Renderer
from tzproxy.optimization.service import TuningService
from tzproxy.optimization.workflow import Optimization
from tzproxy.providers.batches import Jobs
from tzproxy.providers.chat_completions import rows
from tzproxy.providers.chat_completions.row import ChatRow
from tzproxy.providers.credentials import HeaderAuth, build_headers
from tzproxy.reading.inferences import InferenceReader


def optimization(
    loaded: LoadedConfig,
    catalog: Catalog,
    jobs: Jobs,
    *,
    keeper: FileKeeper,
    inferences: InferenceReader,
    datasets: Datasets,
) -> Optimization:
    """Build all of it; nothing is opened, and a missing key is told when a job needs it."""
    return Optimization(
        Renderer(catalog, keeper),
        Optimizers(_optimizers(loaded, jobs)),
        inferences=inferences,
        datasets=datasets,
    )


def _optimizers(loaded: LoadedConfig, jobs: Jobs) -> dict[str, Optimizer]:
    at = places(loaded.environment.mock_provider_api)
    openai = TuningJobs(_service(rows.OPENAI, at.openai, loaded, jobs))
    return {"openai_sft": OpenAISft(openai), "openai_rft": OpenAIRft(openai)}


def _service(row: ChatRow, base: str, loaded: LoadedConfig, jobs: Jobs) -> TuningService:
    """Make the service of a provider whose key travels as other requests' do."""
    kind = row.spec.type
    auth = HeaderAuth(display=RULES[kind].missing_display, optional=row.keyless)
    headers = build_headers(auth, loaded.default_credential(kind))
    return TuningService(row.spec, base, headers, jobs)
