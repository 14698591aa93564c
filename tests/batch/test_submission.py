"""Tests of `tzproxy.batch.submission`: which variant, which provider, which failure."""

from __future__ import annotations

from typing import Any

import pytest

from batch.conftest import ask
from batch.fake_openai import FakeOpenAI
from tzproxy.batch.errors import UnsupportedVariantError
from tzproxy.batch.plan import BatchPlanner
from tzproxy.batch.submission import Submission, Submitter
from tzproxy.errors import TzproxyError
from tzproxy.inference.catalog import ConfigCatalog
from tzproxy.inference.errors import AllProvidersFailedError, AllVariantsFailedError


class Submitting:
    """Plans and submits."""

    def __init__(self, catalog: ConfigCatalog) -> None:
        self.planner = BatchPlanner(catalog)
        self.provider = FakeOpenAI()
        self.submitter = Submitter(self.provider)

    async def submit(self, *texts: str, **fields: Any) -> Submission:
        """Hand a batch over."""
        return await self.submitter.submit(await self.planner.plan(ask(*texts, **fields)))


@pytest.fixture
def submitting(catalog: ConfigCatalog) -> Submitting:
    """All parts."""
    return Submitting(catalog)


async def test_one_variant_and_provider(submitting: Submitting) -> None:
    """All inferences go to one variant's model, with their own parameters over the variant's."""
    params = {"chat_completion": {"temperature": [None, 0.2]}}
    done = await submitting.submit("one", "two", variant_name="v", params=params)
    assert (done.variant_name, done.model_name, done.provider_name) == ("v", "m", "p")
    assert [line["body"]["temperature"] for line in submitting.provider.asked_lines] == [0.7, 0.2]
    assert [line["custom_id"] for line in submitting.provider.asked_lines] == [
        request.inference_id for request in done.requests
    ]


async def test_the_next_provider_takes_it(submitting: Submitting) -> None:
    """A provider without batches is passed over."""
    done = await submitting.submit("one", variant_name="mixed")
    assert done.provider_name == "p"
    assert submitting.provider.requests[0].url == "http://second.test/v1/files"


async def test_a_pinned_variant_fails_as_it_is(submitting: Submitting) -> None:
    """Nothing else is tried, and its error is not wrapped."""
    with pytest.raises(AllProvidersFailedError) as caught:
        await submitting.submit("one", variant_name="claude")
    assert caught.value.status == 500
    assert "Unsupported model provider for batch inference: Anthropic" in caught.value.message
    with pytest.raises(UnsupportedVariantError, match="^Unsupported variant for batch inference: best$"):
        await submitting.submit("one", variant_name="best")
    assert submitting.provider.requests == []


async def test_the_next_variant_takes_it(submitting: Submitting) -> None:
    """A sampled variant that cannot is followed by another."""
    done = await submitting.submit("one", function_name="two")
    assert done.variant_name == "b"


async def test_all_variants_fail(submitting: Submitting) -> None:
    """Then the failures are told together."""
    submitting.provider.refusals = {"POST /v1/files": (400, b"no")}
    with pytest.raises(AllVariantsFailedError) as caught:
        await submitting.submit("one", function_name="two")
    assert caught.value.status == 502
    assert "a: All model providers failed" in caught.value.message
    assert "b: All model providers failed to infer with errors: p: Error 400 Bad Request" in (
        caught.value.message
    )


async def test_the_one_variant_of_a_function(submitting: Submitting) -> None:
    """It fails as if it had been pinned."""
    submitting.provider.refusals = {"POST /v1/batches": (429, b"slow down")}
    with pytest.raises(AllProvidersFailedError, match="429 Too Many Requests from openai client: slow down"):
        await submitting.submit("one", function_name="t")


async def test_a_request_that_cannot_be_expressed(submitting: Submitting) -> None:
    """Nothing is uploaded when one of the requests has no form on the wire."""
    call = {"type": "tool_call", "id": "1", "name": "t", "arguments": "{}"}
    inputs = [
        {"messages": [{"role": "user", "content": "fine"}]},
        {"messages": [{"role": "user", "content": [call]}]},
    ]
    with pytest.raises(TzproxyError, match="Tool calls are not supported in user messages"):
        await submitting.submit(variant_name="v", inputs=inputs)
    assert submitting.provider.requests == []


async def test_provider_tools_are_refused(submitting: Submitting) -> None:
    """Tools that the provider would have to run are checked as for single inferences."""
    with pytest.raises(TzproxyError, match="does not support `provider_tools`"):
        await submitting.submit("one", variant_name="v", provider_tools=[[{"tool": {"type": "x"}}]])
    assert submitting.provider.requests == []


async def test_foreign_thoughts_are_left_out(submitting: Submitting) -> None:
    """Blocks that are for another provider do not reach this one."""
    thought = {"type": "thought", "text": "hm", "provider_type": "anthropic"}
    content = [thought, {"type": "text", "text": "yes"}]
    inputs = [{"messages": [{"role": "assistant", "content": content}]}]
    done = await submitting.submit(variant_name="v", inputs=inputs)
    assert [type(block).__name__ for block in done.requests[0].messages[0].content] == ["Text"]


async def test_many_inputs(submitting: Submitting) -> None:
    """A large batch is rendered in parts, in order."""
    done = await submitting.submit(*map(str, range(70)), variant_name="v")
    assert len(done.requests) == len(submitting.provider.asked_lines) == 70
