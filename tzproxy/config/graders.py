"""Graders of reinforcement fine-tuning: they are sent to the provider, which runs them.

Must not: grade anything. Cold.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from tzproxy.config.decode import INVALID, Context, Reads, reader_of
from tzproxy.config.problems import Path
from tzproxy.config.scalars import FiniteF64


class StringCheckGrader(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="string_check"):
    """Grader `type = "string_check"`.

    Attributes:
        name: required.
        operation: required.
        input: required.
        reference: required.
    """

    name: str
    operation: Literal["eq", "ne", "like", "ilike"]
    input: str
    reference: str


class TextSimilarityGrader(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="text_similarity"
):
    """Grader `type = "text_similarity"`.

    Attributes:
        name: required.
        evaluation_metric: required.
        input: required.
        reference: required.
    """

    name: str
    evaluation_metric: Literal[
        "fuzzy_match",
        "bleu",
        "gleu",
        "meteor",
        "rouge_1",
        "rouge_2",
        "rouge_3",
        "rouge_4",
        "rouge_5",
        "rouge_l",
    ]
    input: str
    reference: str


class GraderMessage(msgspec.Struct, frozen=True, kw_only=True):
    """One message of the prompt of a grading model.

    Attributes:
        role: whose message; required.
        content: its text; required.
    """

    role: Literal["developer", "user"]
    content: str


def _read_range(value: object, path: Path, context: Context) -> object:
    scores = reader_of(tuple[FiniteF64, ...])(value, path, context)
    if scores is not INVALID and len(scores) != 2:
        return context.reject(path, f"invalid length {len(scores)}, expected an array of length 2")
    return scores


class ScoreModelGrader(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="score_model"):
    """Grader `type = "score_model"`.

    Attributes:
        name: required.
        model: required.
        input: the prompt; required.
        range: lowest and highest score, two finite numbers; default none.
    """

    name: str
    model: str
    input: tuple[GraderMessage, ...]
    range: Annotated[tuple[float, ...], Reads(_read_range)] | None = None


class LabelModelGrader(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="label_model"):
    """Grader `type = "label_model"`.

    Attributes:
        name: required.
        model: required.
        labels: required.
        passing_labels: required.
        input: the prompt; required.
    """

    name: str
    model: str
    labels: tuple[str, ...]
    passing_labels: tuple[str, ...]
    input: tuple[GraderMessage, ...]


class PythonGrader(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="python"):
    """Grader `type = "python"`, run by the provider.

    Attributes:
        name: required.
        source: required.
        image_tag: default none.
    """

    name: str
    source: str
    image_tag: str | None = None


class MultiGrader(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="multi"):
    """Grader `type = "multi"`.

    Attributes:
        name: required.
        calculate_output: formula over the graders; required.
        graders: by name; required.
    """

    name: str
    calculate_output: str
    graders: dict[str, Grader]


Grader = (
    StringCheckGrader
    | TextSimilarityGrader
    | ScoreModelGrader
    | LabelModelGrader
    | PythonGrader
    | MultiGrader
)
