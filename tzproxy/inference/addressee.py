"""What of a request one provider of one model may see, and whether it can do what is asked. Hot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tzproxy.providers.errors import ProviderError
from tzproxy.types.content import Message, Thought, Unknown
from tzproxy.types.model import ModelRequest

if TYPE_CHECKING:
    from tzproxy.inference.model import Model, ModelProvider


def addressed(request: ModelRequest, model: Model, entry: ModelProvider, *, filtered: bool) -> ModelRequest:
    """Name the addressee in the request and take out the blocks that are not for it."""
    if not filtered and request.provider_name == entry.name and request.model_name == model.name:
        return request
    messages = request.messages
    if filtered:
        thought_type = entry.spec.thought_type or entry.spec.type
        messages = [
            Message(
                message.role,
                [block for block in message.content if _is_for(block, model.name, entry.name, thought_type)],
            )
            for message in messages
        ]
    return ModelRequest(
        inference_id=request.inference_id,
        messages=messages,
        system=request.system,
        tool_config=request.tool_config,
        params=request.params,
        stream=request.stream,
        json_mode=request.json_mode,
        function_type=request.function_type,
        output_schema=request.output_schema,
        model_name=model.name,
        provider_name=entry.name,
        fetch_files=request.fetch_files,
    )


def check_provider_tools(request: ModelRequest, model: Model, entry: ModelProvider) -> None:
    """Refuse tools that the provider would have to run but cannot.

    Raises:
        ProviderError: naming provider and model.
    """
    config = request.tool_config
    if config is None or not config.provider_tools or entry.spec.provider_tools:
        return
    meant = [
        tool
        for tool in config.provider_tools
        if tool.scope is None
        or (tool.scope.model_name == model.name and tool.scope.provider_name in (None, entry.name))
    ]
    if meant:
        kind = entry.spec.thought_type or entry.spec.type
        raise ProviderError(
            f"Provider `{kind}` does not support `provider_tools`, but {len(meant)} provider tool(s) were "
            f"configured for model `{model.name}` / provider `{entry.name}`"
        )


def _is_for(block: object, model: str, provider: str, provider_type: str) -> bool:
    if isinstance(block, Unknown):
        return block.model_name in (None, model) and block.provider_name in (None, provider)
    if isinstance(block, Thought):
        return block.provider_type in (None, provider_type)
    return True
