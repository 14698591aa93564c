"""Which datapoints a search can use, and which half of them it may learn from. Pure. Cold."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import msgspec

from tzproxy.errors import RequestError
from tzproxy.types.content import ChatOutput, RawText, StoredBlock, StoredFile, Text, Thought, ToolCall
from tzproxy.types.content import ToolCallOutput as CalledTool
from tzproxy.types.datapoints import DatapointRow, JsonDatapointRow
from tzproxy.types.stored import read_stored_input

LEAST = 4
"""Datapoints without which neither half says anything."""

OUTPUT = msgspec.json.Decoder(list[ChatOutput])
TREE = msgspec.json.Decoder()


def usable(rows: Sequence[DatapointRow], where: str, name: str, *, least: int = LEAST) -> list[str]:
    """Return the ids of the datapoints that a search can use, sorted.

    Args:
        rows: all that the dataset has of the function.
        where: the field that named the dataset.
        name: the dataset.
        least: how many there have to be.

    Raises:
        RequestError: when there are too few.
    """
    ids = sorted(row.id for row in rows if is_usable(row))
    if not rows:
        raise RequestError(f"{where}: dataset `{name}` has no datapoints of this function")
    if len(ids) < least:
        raise RequestError(
            f"{where}: a search needs at least {least} datapoints with an output and without files; "
            f"dataset `{name}` has {len(ids)} of this function ({len(rows)} in all)"
        )
    return ids


def is_usable(row: DatapointRow) -> bool:
    """Tell whether there is something to compare an answer with, and models can be shown all of it."""
    if row.output is None:
        return False
    try:
        blocks: list[StoredBlock | ChatOutput] = []
        for message in read_stored_input(row.input).messages:
            if not message.content:
                return False
            blocks.extend(message.content)
        if isinstance(row, JsonDatapointRow):
            output = TREE.decode(row.output)
            if not isinstance(output, dict) or output.get("parsed") is None:
                return False
        else:
            said = OUTPUT.decode(row.output)
            if not said:
                return False
            blocks.extend(said)
    except msgspec.DecodeError:
        return False
    return not any(_is_void(block) for block in blocks)


def _is_void(block: StoredBlock | ChatOutput) -> bool:
    match block:
        case StoredFile():
            return True
        case Text(text):
            return not text
        case RawText(value):
            return not value
        case ToolCall():
            return not block.name
        case CalledTool():
            return not (block.name or block.raw_name)
        case Thought():
            return not (block.text or block.summary or block.signature)
    return False


def split(ids: Sequence[str], seed: int) -> tuple[list[str], list[str]]:
    """Cut a dataset into what is learned from and what decides: halves, the same for the same seed."""
    shuffled = list(ids)
    Random(f"{seed} split").shuffle(shuffled)
    half = len(shuffled) // 2
    return sorted(shuffled[:half]), sorted(shuffled[half:])
