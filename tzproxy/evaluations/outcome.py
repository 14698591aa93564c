"""What one datapoint came to, as evaluators look at it. Warm."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import msgspec

from tzproxy.evaluations.errors import ScoreError
from tzproxy.inference.answer import Answer
from tzproxy.types.content import ChatOutput, JsonOutput, StoredInput
from tzproxy.types.datapoints import DatapointRow

ENCODER = msgspec.json.Encoder()
TREE = msgspec.json.Decoder()
SORTED = msgspec.json.Encoder(order="deterministic")


class Outcome:
    """A datapoint and the answer to its input. Both are of the kind of the function that answered."""

    def __init__(self, datapoint: DatapointRow, stored_input: StoredInput, answer: Answer) -> None:
        self.datapoint = datapoint
        self.input = stored_input
        self.answer = answer

    @property
    def is_json(self) -> bool:
        """Whether a JSON function answered."""
        return self.answer.output is not None

    @property
    def inference_id(self) -> str:
        """The id of the inference that is evaluated."""
        return self.answer.inference.inference_id

    @property
    def blocks(self) -> list[ChatOutput]:
        """The content of a chat answer."""
        return self.answer.content or []

    @property
    def output(self) -> JsonOutput:
        """The output of a JSON answer."""
        if self.answer.output is None:
            raise AssertionError("asked of an answer in JSON only")
        return self.answer.output

    @cached_property
    def stored_output(self) -> str:
        """The answer as the store has it, byte for byte."""
        return ENCODER.encode(self.answer.output or self.blocks).decode()

    @cached_property
    def reference(self) -> Any:
        """The datapoint's output as plain data: blocks, or `raw` and `parsed`; None when it has none.

        Raises:
            ScoreError: when it is no output of the answer's kind.
        """
        if self.datapoint.output is None:
            return None
        try:
            reference = TREE.decode(self.datapoint.output)
        except msgspec.DecodeError as exc:
            raise ScoreError(f"The datapoint's output cannot be read: {exc}") from exc
        if self.is_json:
            if isinstance(reference, dict):
                return reference
        elif isinstance(reference, list) and all(isinstance(block, dict) for block in reference):
            return reference
        raise ScoreError("Datapoint and inference response types do not match")


def same(left: object, right: object) -> bool:
    """Compare plain data as JSON: the order of keys does not count, and 1 is neither 1.0 nor true."""
    return SORTED.encode(left) == SORTED.encode(right)
