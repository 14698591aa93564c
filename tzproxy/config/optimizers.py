"""`[optimizers]`: fine-tuning, dynamic examples and prompt search. Unknown keys are ignored.

Must not: run anything. Cold.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from tzproxy.config.decode import Context, Reads, wrong_type
from tzproxy.config.graders import Grader
from tzproxy.config.problems import Path
from tzproxy.config.requests import RetryConfig
from tzproxy.config.scalars import F64, U32, U64, FiniteF64


class DiclOptimizerConfig(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="dicl"):
    """`type = "dicl"`: fill the examples of a variant.

    Attributes:
        embedding_model: required.
        variant_name: required.
        function_name: required.
        dimensions: of the embedding; default none, the model's.
        batch_size: texts in one embedding request; default 128.
        max_concurrency: embedding requests at once; default 10.
        k: examples of the new variant; default 10.
        model: model of the new variant; default none, a built-in name.
        append_to_existing_variants: add to examples that exist; default false.
    """

    embedding_model: str
    variant_name: str
    function_name: str
    dimensions: U32 | None = None
    batch_size: U64 = 128
    max_concurrency: U64 = 10
    k: U32 = 10
    model: str | None = None
    append_to_existing_variants: bool = False


class OpenAISftConfig(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="openai_sft"):
    """`type = "openai_sft"`.

    Attributes:
        model: required.
        batch_size: default none, the provider's.
        learning_rate_multiplier: default none, the provider's.
        n_epochs: default none, the provider's.
        seed: default none.
        suffix: of the model's name; default none.
    """

    model: str
    batch_size: U64 | None = None
    learning_rate_multiplier: F64 | None = None
    n_epochs: U64 | None = None
    seed: U64 | None = None
    suffix: str | None = None


class RftJsonSchema(msgspec.Struct, frozen=True, kw_only=True):
    """The schema that answers under training have to follow.

    Attributes:
        name: required.
        description: default none.
        schema: sent as it is; default none.
        strict: default none, the provider's.
    """

    name: str
    description: str | None = None
    schema: Any = None
    strict: bool | None = None


class RftResponseFormat(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="json_schema"):
    """`response_format = { type = "json_schema" }`.

    Attributes:
        json_schema: required.
    """

    json_schema: RftJsonSchema


class OpenAIRftConfig(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="openai_rft"):
    """`type = "openai_rft"`.

    Attributes:
        model: required.
        grader: required.
        response_format: shape of answers; default none.
        batch_size: default none, the provider's.
        compute_multiplier: default none, the provider's.
        eval_interval: default none, the provider's.
        eval_samples: default none, the provider's.
        learning_rate_multiplier: default none, the provider's.
        n_epochs: default none, the provider's.
        reasoning_effort: default none.
        seed: default none.
        suffix: of the model's name; default none.
    """

    model: str
    grader: Grader
    response_format: RftResponseFormat | None = None
    batch_size: U64 | None = None
    compute_multiplier: F64 | None = None
    eval_interval: U64 | None = None
    eval_samples: U64 | None = None
    learning_rate_multiplier: F64 | None = None
    n_epochs: U64 | None = None
    reasoning_effort: str | None = None
    seed: U64 | None = None
    suffix: str | None = None


class FireworksSftConfig(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="fireworks_sft"):
    """`type = "fireworks_sft"`; all numbers default to the provider's.

    Attributes:
        model: required.
        early_stop: default none.
        epochs: default none.
        learning_rate: default none.
        max_context_length: in tokens; default none.
        lora_rank: default none.
        batch_size: default none.
        display_name: default none.
        output_model: default none.
        warm_start_from: default none.
        is_turbo: default none.
        eval_auto_carveout: default none.
        nodes: default none.
        mtp_enabled: default none.
        mtp_num_draft_tokens: default none.
        mtp_freeze_base_model: default none.
        deploy_after_training: default false.
    """

    model: str
    early_stop: bool | None = None
    epochs: U64 | None = None
    learning_rate: F64 | None = None
    max_context_length: U64 | None = None
    lora_rank: U64 | None = None
    batch_size: U64 | None = None
    display_name: str | None = None
    output_model: str | None = None
    warm_start_from: str | None = None
    is_turbo: bool | None = None
    eval_auto_carveout: bool | None = None
    nodes: U64 | None = None
    mtp_enabled: bool | None = None
    mtp_num_draft_tokens: U64 | None = None
    mtp_freeze_base_model: bool | None = None
    deploy_after_training: bool = False


class GcpVertexGeminiSftConfig(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="gcp_vertex_gemini_sft"
):
    """`type = "gcp_vertex_gemini_sft"`.

    Attributes:
        model: required.
        learning_rate_multiplier: default none, the provider's.
        adapter_size: default none, the provider's.
        n_epochs: default none, the provider's.
        export_last_checkpoint_only: default none.
        seed: without effect; default none.
        tuned_model_display_name: default none.
    """

    model: str
    learning_rate_multiplier: F64 | None = None
    adapter_size: U64 | None = None
    n_epochs: U64 | None = None
    export_last_checkpoint_only: bool | None = None
    seed: U64 | None = None
    tuned_model_display_name: str | None = None


class LinearSchedulerConfig(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="lr_scheduler_type", tag="linear"
):
    """`lr_scheduler = { lr_scheduler_type = "linear" }`.

    Attributes:
        min_lr_ratio: default 0.
    """

    min_lr_ratio: FiniteF64 = 0.0


class CosineSchedulerConfig(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="lr_scheduler_type", tag="cosine"
):
    """`lr_scheduler = { lr_scheduler_type = "cosine" }`.

    Attributes:
        min_lr_ratio: default 0.
        num_cycles: default 0.
    """

    min_lr_ratio: FiniteF64 = 0.0
    num_cycles: FiniteF64 = 0.0


class TogetherTrainingMethodConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`training_method`.

    Attributes:
        method: required.
        train_on_inputs: sent as it is; default `auto`.
    """

    method: Literal["sft"]
    train_on_inputs: str = "auto"


class FullTrainingConfig(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="Full"):
    """`training_type = { type = "Full" }`."""


class LoraTrainingConfig(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="Lora"):
    """`training_type = { type = "Lora" }`.

    Attributes:
        lora_r: default 8.
        lora_alpha: default 16.
        lora_dropout: default 0.
        lora_trainable_modules: default `all-linear`.
    """

    lora_r: U32 = 8
    lora_alpha: U32 = 16
    lora_dropout: F64 = 0.0
    lora_trainable_modules: str = "all-linear"


def _read_batch_size(value: object, path: Path, context: Context) -> object:
    if value == "max" or (isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**32):
        return value
    return context.reject(path, wrong_type(value, 'a nonnegative integer or "max"'))


class TogetherSftConfig(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="together_sft"):
    """`type = "together_sft"`.

    Attributes:
        model: required.
        n_epochs: default 1.
        n_checkpoints: default 1.
        n_evals: default none, 1 with validation data.
        batch_size: a number or `max`; default `max`.
        learning_rate: default 1e-5.
        lr_scheduler: default linear.
        warmup_ratio: default 0.
        max_grad_norm: default 1.
        weight_decay: default 0.
        suffix: of the model's name; default none.
        wandb_name: name of the run; default none.
        training_method: default supervised.
        training_type: default LoRA.
        from_checkpoint: default none.
        from_hf_model: default none.
        hf_model_revision: default none.
        hf_output_repo_name: default none.
    """

    model: str
    n_epochs: U32 = 1
    n_checkpoints: U32 = 1
    n_evals: U32 | None = None
    batch_size: Annotated[int | Literal["max"], Reads(_read_batch_size)] = "max"
    learning_rate: FiniteF64 = 1e-5
    lr_scheduler: LinearSchedulerConfig | CosineSchedulerConfig = LinearSchedulerConfig()
    warmup_ratio: FiniteF64 = 0.0
    max_grad_norm: FiniteF64 = 1.0
    weight_decay: FiniteF64 = 0.0
    suffix: str | None = None
    wandb_name: str | None = None
    training_method: TogetherTrainingMethodConfig = TogetherTrainingMethodConfig(method="sft")
    training_type: FullTrainingConfig | LoraTrainingConfig = LoraTrainingConfig()
    from_checkpoint: str | None = None
    from_hf_model: str | None = None
    hf_model_revision: str | None = None
    hf_output_repo_name: str | None = None


class GepaConfig(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="gepa"):
    """`type = "gepa"`: search for better prompts.

    Attributes:
        function_name: required.
        analysis_model: required.
        mutation_model: required.
        evaluator_names: evaluators of the function, not empty; this or `evaluation_name`.
        evaluation_name: deprecated; this or `evaluator_names`.
        initial_variants: default none, all.
        variant_prefix: default none.
        batch_size: examples of one step; default 5.
        max_iterations: default 1.
        max_concurrency: default 10.
        seed: default none.
        timeout: seconds of one inference; default 300.
        include_inference_for_mutation: show whole inferences to the mutation; default true.
        retries: attempts of each inference.
        max_tokens: of each inference; default none.
    """

    function_name: str
    analysis_model: str
    mutation_model: str
    evaluator_names: tuple[str, ...] | None = None
    evaluation_name: str | None = None
    initial_variants: tuple[str, ...] | None = None
    variant_prefix: str | None = None
    batch_size: U64 = 5
    max_iterations: U32 = 1
    max_concurrency: U32 = 10
    seed: U32 | None = None
    timeout: U64 = 300
    include_inference_for_mutation: bool = True
    retries: RetryConfig = RetryConfig()
    max_tokens: U32 | None = None


OptimizerConfig = (
    DiclOptimizerConfig
    | OpenAISftConfig
    | OpenAIRftConfig
    | FireworksSftConfig
    | GcpVertexGeminiSftConfig
    | TogetherSftConfig
    | GepaConfig
)
