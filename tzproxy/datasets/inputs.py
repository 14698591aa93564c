"""Inputs of datapoints: checked like those of inferences, their files kept before a row names them. Cold."""

from __future__ import annotations

import asyncio

import msgspec

from tzproxy.inference.files.keep import FileKeeper, InferenceFiles
from tzproxy.inference.function import Function
from tzproxy.inference.input import read_input
from tzproxy.types.request import Input

ENCODER = msgspec.json.Encoder()
INPUTS_AT_ONCE = 32
"""Inputs that are taken before other requests get their turn."""


class InputIntake:
    """Takes the inputs of one request. Bytes of files are stored by `keep`, once all have been taken."""

    def __init__(self, keeper: FileKeeper) -> None:
        self._keeper = keeper
        self._files: list[InferenceFiles] = []
        self._taken = 0

    async def take(self, wire: Input, function: Function) -> str:
        """Check an input and return its stored form.

        Raises:
            TzproxyError: when it does not fit the function, or one of its files cannot be had.
        """
        read = read_input(wire, self._keeper.store, self._keeper)
        function.checks.check(read.stored)
        if read.files:
            self._keeper.store.check_configured()
        if read.keeping is not None:
            await read.keeping.settle(strict=True)
            self._files.append(read.keeping)
        self._taken += 1
        if self._taken % INPUTS_AT_ONCE == 0:
            await asyncio.sleep(0)
        return ENCODER.encode(read.stored).decode()

    async def keep(self) -> None:
        """Store the bytes of all files."""
        await asyncio.gather(*(files.upload() for files in self._files))
