"""Which datapoints a search can use, and which half of them it may learn from. Pure. Cold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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


class Examples:
    """Picks from a dataset what a search can use; keeps no more than ids."""

    def __init__(self, where: str, name: str) -> None:
        """Begin with nothing.

        Args:
            where: the field that named the dataset.
            name: the dataset.
        """
        self._where = where
        self._name = name
        self._count = 0
        self._ids: list[str] = []

    def take(self, rows: Iterable[DatapointRow]) -> None:
        """Look at some datapoints of the function."""
        for row in rows:
            self._count += 1
            if is_usable(row):
                self._ids.append(row.id)

    def ids(self, *, least: int = LEAST) -> list[str]:
        """Return what can be used, sorted.

        Raises:
            RequestError: when that is too little.
        """
        where, name = self._where, self._name
        if not self._count:
            raise RequestError(f"{where}: dataset `{name}` has no datapoints of this function")
        if len(self._ids) < least:
            raise RequestError(
                f"{where}: a search needs at least {least} datapoints with an output and without files; "
                f"dataset `{name}` has {len(self._ids)} of this function ({self._count} in all)"
            )
        return sorted(self._ids)


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
