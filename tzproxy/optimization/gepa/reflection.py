"""Asks the models that reflect, through the engine's own functions for it. Cold.

Both functions have no variants: each request brings one, of the model that was asked for. So these inferences
leave no rows; limits, retries and credentials are those of any inference.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import UNSET, Raw, UnsetType

from tzproxy.inference.answer import Answer
from tzproxy.inference.engine import Engine
from tzproxy.types.request import InferenceRequest, Input, InputMessage, TextInput

ANALYZE = "tensorzero::optimization::gepa::analyze"
MUTATE = "tensorzero::optimization::gepa::mutate"
ENCODER = msgspec.json.Encoder()


class Reflection:
    """Asks on behalf of one search."""

    def __init__(
        self, engine: Engine, api_key_id: str | None, options: Mapping[str, Any] | None = None
    ) -> None:
        """Ask for the holder of an API key; `options` are further keys of the variants."""
        self._engine = engine
        self._options = dict(options or {})
        self._api_key_id = api_key_id

    async def ask(
        self,
        function_name: str,
        model: str,
        *,
        instructions: str,
        text: str,
        output_schema: Mapping[str, Any] | None = None,
    ) -> Answer:
        """Ask a model once.

        Raises:
            TzproxyError: when it cannot be asked or does not answer.
        """
        schema: Raw | UnsetType = UNSET if output_schema is None else Raw(ENCODER.encode(output_schema))
        variant = {**self._options, "type": "chat_completion", "model": model}
        if output_schema is not None:
            variant["json_mode"] = "strict"
        request = InferenceRequest(
            function_name=function_name,
            input=Input([InputMessage("user", [TextInput(text)])], instructions),
            internal_dynamic_variant_config=Raw(ENCODER.encode(variant)),
            output_schema=schema,
            dryrun=True,
            stream=False,
            internal=True,
        )
        return await self._engine.infer(await self._engine.plan(request, self._api_key_id))
