"""Settings and results of optimizers. Plain data; all fields by keyword.

Class names, fields and defaults are those of TensorZero's client (2026.6). An unset field is not sent.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass, field
from typing import Any, ClassVar
from uuid import UUID

from tzproxy.client.types.answers import ChatInferenceOutput, JsonInferenceOutput
from tzproxy.client.types.content import ContentBlock


class _Optimizer:
    """Writes what is set, under its type."""

    kind: ClassVar[str]

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as they are sent."""
        return {"type": self.kind, **{name: value for name, value in vars(self).items() if value is not None}}


@dataclass(kw_only=True)
class DICLOptimizationConfig(_Optimizer):
    """Examples for dynamic in-context learning."""

    kind = "dicl"
    embedding_model: str
    variant_name: str
    function_name: str
    dimensions: int | None = None
    batch_size: int | None = None
    max_concurrency: int | None = None
    k: int | None = None
    model: str | None = None
    append_to_existing_variants: bool | None = None


@dataclass(kw_only=True)
class OpenAISFTConfig(_Optimizer):
    """Supervised fine-tuning at OpenAI."""

    kind = "openai_sft"
    model: str
    batch_size: int | None = None
    learning_rate_multiplier: float | None = None
    n_epochs: int | None = None
    seed: int | None = None
    suffix: str | None = None


@dataclass(kw_only=True)
class OpenAIRFTConfig(_Optimizer):
    """Reinforcement fine-tuning at OpenAI."""

    kind = "openai_rft"
    model: str
    grader: dict[str, Any]
    response_format: dict[str, Any] | None = None
    batch_size: int | None = None
    compute_multiplier: float | None = None
    eval_interval: int | None = None
    eval_samples: int | None = None
    learning_rate_multiplier: float | None = None
    n_epochs: int | None = None
    reasoning_effort: str | None = None
    seed: int | None = None
    suffix: str | None = None


@dataclass(kw_only=True)
class FireworksSFTConfig(_Optimizer):
    """Supervised fine-tuning at Fireworks."""

    kind = "fireworks_sft"
    model: str
    early_stop: bool | None = None
    epochs: int | None = None
    learning_rate: float | None = None
    max_context_length: int | None = None
    lora_rank: int | None = None
    batch_size: int | None = None
    display_name: str | None = None
    output_model: str | None = None
    warm_start_from: str | None = None
    is_turbo: bool | None = None
    eval_auto_carveout: bool | None = None
    nodes: int | None = None
    mtp_enabled: bool | None = None
    mtp_num_draft_tokens: int | None = None
    mtp_freeze_base_model: bool | None = None
    deploy_after_training: bool | None = None


@dataclass(kw_only=True)
class GCPVertexGeminiSFTConfig(_Optimizer):
    """Supervised fine-tuning at GCP Vertex."""

    kind = "gcp_vertex_gemini_sft"
    model: str
    learning_rate_multiplier: float | None = None
    adapter_size: int | None = None
    n_epochs: int | None = None
    export_last_checkpoint_only: bool | None = None
    seed: int | None = None
    tuned_model_display_name: str | None = None


@dataclass(kw_only=True)
class TogetherSFTConfig(_Optimizer):
    """Supervised fine-tuning at Together."""

    kind = "together_sft"
    model: str
    n_epochs: int | None = None
    n_checkpoints: int | None = None
    n_evals: int | None = None
    batch_size: int | str | None = None
    learning_rate: float | None = None
    warmup_ratio: float | None = None
    max_grad_norm: float | None = None
    weight_decay: float | None = None
    suffix: str | None = None
    lr_scheduler: dict[str, Any] | None = None
    wandb_name: str | None = None
    training_method: dict[str, Any] | None = None
    training_type: dict[str, Any] | None = None
    from_checkpoint: str | None = None
    from_hf_model: str | None = None
    hf_model_revision: str | None = None
    hf_output_repo_name: str | None = None


@dataclass(kw_only=True)
class GEPAConfig(_Optimizer):
    """Search for better prompts by reflection."""

    kind = "gepa"
    function_name: str
    analysis_model: str
    mutation_model: str
    evaluation_name: str | None = None
    evaluator_names: list[str] | None = None
    initial_variants: list[str] | None = None
    variant_prefix: str | None = None
    batch_size: int | None = None
    max_iterations: int | None = None
    max_concurrency: int | None = None
    seed: int | None = None
    timeout: int | None = None
    include_inference_for_mutation: bool | None = None
    retries: dict[str, Any] | None = None
    max_tokens: int | None = None


OptimizationConfig = (
    OpenAISFTConfig
    | FireworksSFTConfig
    | GCPVertexGeminiSFTConfig
    | TogetherSFTConfig
    | DICLOptimizationConfig
    | OpenAIRFTConfig
    | GEPAConfig
    | dict[str, Any]
)


OPTIMIZERS: dict[str, type[_Optimizer]] = {
    kind.kind: kind
    for kind in (
        OpenAISFTConfig,
        OpenAIRFTConfig,
        FireworksSFTConfig,
        TogetherSFTConfig,
        GCPVertexGeminiSFTConfig,
        DICLOptimizationConfig,
        GEPAConfig,
    )
}
"""Settings by the type that they are sent under."""


@dataclass(frozen=True, repr=False)
class OptimizationJobHandle:
    """A job that was launched: its handle as the gateway wrote it. Printed it shows what is in it."""

    text: str

    def __str__(self) -> str:
        try:
            data = base64.urlsafe_b64decode(self.text + "=" * (-len(self.text) % 4))
            return json.dumps(json.loads(data), indent=2)
        except (binascii.Error, ValueError):
            return self.text

    __repr__ = __str__


class OptimizationJobStatus:
    """How far a job is: one of the three, by identity."""

    Pending: ClassVar[OptimizationJobStatus]
    Completed: ClassVar[OptimizationJobStatus]
    Failed: ClassVar[OptimizationJobStatus]

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return f"OptimizationJobStatus.{self._name}"

    def __reduce__(self) -> tuple[Any, ...]:
        return getattr, (OptimizationJobStatus, self._name)


OptimizationJobStatus.Pending = OptimizationJobStatus("Pending")
OptimizationJobStatus.Completed = OptimizationJobStatus("Completed")
OptimizationJobStatus.Failed = OptimizationJobStatus("Failed")


@dataclass
class OptimizationJobInfo:
    """What is known of a job. `estimated_finish` in seconds since 1970."""

    message: str
    status: OptimizationJobStatus
    output: Any | None = None
    estimated_finish: int | None = None


@dataclass
class GepaLaunchResponse:
    """A search that was launched."""

    task_id: str


@dataclass
class GepaProgress:
    """How far a search is."""

    current_iteration: int
    max_iterations: int
    current_step: str


@dataclass
class GepaEvaluatorStats:
    """What an evaluator found of one candidate."""

    mean: float
    stdev: float
    count: int


@dataclass
class ResolvedInputMessage:
    """A message with its files."""

    role: str
    content: list[ContentBlock]


@dataclass
class ResolvedInput:
    """An input with its files."""

    system: str | dict[str, Any] | None
    messages: list[ResolvedInputMessage]


@dataclass(frozen=True)
class RenderedSample:
    """A stored sample whose messages are rendered for a variant. `wire`: as the gateway wrote it."""

    function_name: str
    input: ResolvedInput
    stored_input: ResolvedInput
    output: ChatInferenceOutput | None = None
    stored_output: ChatInferenceOutput | JsonInferenceOutput | None = None
    episode_id: UUID | None = None
    inference_id: UUID | None = None
    tool_params: Any | None = None
    output_schema: dict[str, Any] | None = None
    dispreferred_outputs: list[ChatInferenceOutput] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    wire: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def allowed_tools(self) -> list[str] | None:
        """The tools that might be called, where the request restricted them."""
        return self._tools().get("allowed_tools")

    @property
    def additional_tools(self) -> list[Any] | None:
        """The tools that the request brought."""
        return self._tools().get("additional_tools")

    @property
    def parallel_tool_calls(self) -> bool | None:
        """Whether several tools might be called at once."""
        return self._tools().get("parallel_tool_calls")

    @property
    def provider_tools(self) -> list[Any] | None:
        """The tools that providers run themselves."""
        return self._tools().get("provider_tools")

    def _tools(self) -> dict[str, Any]:
        return self.tool_params or {}

    def to_dict(self) -> dict[str, Any]:
        """Return the sample as the gateway wrote it."""
        return self.wire
