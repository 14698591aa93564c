"""Tests of `tzproxy.config.optimizers` and `tzproxy.config.graders`."""

from __future__ import annotations

import pytest

from config.conftest import FindProblems, Load
from tzproxy.config.graders import MultiGrader, StringCheckGrader
from tzproxy.config.optimizers import (
    CosineSchedulerConfig,
    DiclOptimizerConfig,
    FireworksSftConfig,
    FullTrainingConfig,
    GcpVertexGeminiSftConfig,
    GepaConfig,
    OpenAIRftConfig,
    OpenAISftConfig,
    TogetherSftConfig,
)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (
            'type = "dicl"\nembedding_model = "e"\nvariant_name = "v"\nfunction_name = "f"',
            DiclOptimizerConfig(embedding_model="e", variant_name="v", function_name="f"),
        ),
        (
            'type = "openai_sft"\nmodel = "m"\nn_epochs = 2\nunknown = 1',
            OpenAISftConfig(model="m", n_epochs=2),
        ),
        (
            """
type = "openai_rft"
model = "m"
grader = { type = "multi", name = "g", calculate_output = "a", graders.a = {
  type = "string_check", name = "a", operation = "eq", input = "i", reference = "r"
} }
""",
            OpenAIRftConfig(
                model="m",
                grader=MultiGrader(
                    name="g",
                    calculate_output="a",
                    graders={"a": StringCheckGrader(name="a", operation="eq", input="i", reference="r")},
                ),
            ),
        ),
        ('type = "fireworks_sft"\nmodel = "m"\nepochs = 1', FireworksSftConfig(model="m", epochs=1)),
        (
            'type = "gcp_vertex_gemini_sft"\nmodel = "m"\nadapter_size = 4',
            GcpVertexGeminiSftConfig(model="m", adapter_size=4),
        ),
        (
            'type = "together_sft"\nmodel = "m"\nbatch_size = 8\ntraining_type = { type = "Full" }\n'
            'lr_scheduler = { lr_scheduler_type = "cosine", num_cycles = 0.5 }',
            TogetherSftConfig(
                model="m",
                batch_size=8,
                training_type=FullTrainingConfig(),
                lr_scheduler=CosineSchedulerConfig(num_cycles=0.5),
            ),
        ),
        (
            'type = "gepa"\nfunction_name = "f"\nanalysis_model = "a"\nmutation_model = "b"\n'
            'evaluator_names = ["e"]',
            GepaConfig(function_name="f", analysis_model="a", mutation_model="b", evaluator_names=("e",)),
        ),
    ],
)
def test_optimizers_are_read(load: Load, lines: str, expected: object) -> None:
    """Each type has its keys and defaults; unknown keys are ignored."""
    assert load(f"[optimizers.o]\n{lines}").config.optimizers["o"] == expected


RFT = 'type = "openai_rft"\nmodel = "m"\ngrader = { type = "score_model", name = "g", model = "m", '


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ('type = "openai_sft"', "optimizers.o: missing field `model`"),
        ('type = "nope"', "optimizers.o.type: unknown variant `nope`"),
        ('type = "together_sft"\nmodel = "m"\nbatch_size = "min"', "optimizers.o.batch_size: invalid type"),
        ('type = "together_sft"\nmodel = "m"\nbatch_size = -1', "optimizers.o.batch_size: invalid type"),
        (
            'type = "together_sft"\nmodel = "m"\nlearning_rate = inf',
            "optimizers.o.learning_rate: invalid value",
        ),
        (
            'type = "together_sft"\nmodel = "m"\ntraining_type = { type = "Lora", lora_r = 4294967296 }',
            "optimizers.o.training_type.lora_r: invalid value",
        ),
        (
            'type = "together_sft"\nmodel = "m"\ntraining_method = {}',
            "optimizers.o.training_method: missing field `method`",
        ),
        (
            RFT + "input = [] }\nresponse_format = { type = 'json_schema' }",
            "optimizers.o.response_format: missing field `json_schema`",
        ),
        (
            RFT + "input = [] }\nresponse_format = { type = 'text' }",
            "optimizers.o.response_format.type: unknown",
        ),
        (
            RFT + "input = [] }\nresponse_format = {}",
            "optimizers.o.response_format: missing tag field `type`",
        ),
        (
            'type = "together_sft"\nmodel = "m"\nbatch_size = 4294967296',
            "optimizers.o.batch_size: invalid type",
        ),
        (
            RFT + "input = [] }\nresponse_format = { type = 'json_schema', json_schema = {} }",
            "optimizers.o.response_format.json_schema: missing field `name`",
        ),
    ],
)
def test_malformed_optimizers_are_reported(find_problems: FindProblems, lines: str, problem: str) -> None:
    """Required keys and types are checked."""
    problems = find_problems(f"[optimizers.o]\n{lines}")
    assert len(problems) == 1
    assert problems[0].startswith(problem)
