"""A function whose prompts are searched, its datapoints, and what tests of searches do with them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from in_process import Reply, RunningGateway
from tzproxy._speedups.ids import new_uuid7

GEPA = "/v1/optimization/gepa"
MODEL = """
[models.{name}]
routing = ["mail"]
[models.{name}.providers.mail]
type = "openai"
api_base = "{url}"
model_name = "{name}"
api_key_location = "none"
"""
FUNCTION = """
[functions.sort]
type = "chat"
description = "Says what kind of mail a text is."
[functions.sort.variants.plain]
type = "chat_completion"
model = "sorter"
templates.system.path = "plain.minijinja"
temperature = 0.5
weight = 1
[functions.sort.variants.bills]
type = "chat_completion"
model = "sorter"
templates.system.path = "bills.minijinja"
[functions.sort.variants.bare]
type = "chat_completion"
model = "sorter"
[functions.sort.variants.many]
type = "experimental_best_of_n_sampling"
candidates = ["plain"]
[functions.sort.variants.many.evaluator]
model = "sorter"
[functions.sort.evaluators.exact]
type = "exact_match"
[functions.sort.evaluators.short]
type = "regex"
must_not_match = "[A-Z]"
[functions.sort.evaluators.program]
type = "typescript"
typescript_file = "x.ts"
output_type = "float"
optimize = "max"
[functions.read]
type = "json"
output_schema = "kind.json"
[functions.read.variants.older]
type = "chat_completion"
model = "reader"
json_mode = "off"
system_template = "plain.minijinja"
user_template = "user.minijinja"
timeouts.non_streaming.total_ms = 60000
[functions.read.evaluators.exact]
type = "exact_match"
[functions.read.evaluators.length]
type = "llm_judge"
output_type = "float"
optimize = "min"
[functions.read.evaluators.length.variants.v]
type = "chat_completion"
model = "judge"
system_instructions = "judge.txt"
json_mode = "off"
[functions.free]
type = "json"
[functions.free.variants.v]
type = "chat_completion"
model = "reader"
json_mode = "on"
namespace = "n"
templates.system.path = "plain.minijinja"
[functions.free.variants.bare]
type = "chat_completion"
model = "reader"
json_mode = "on"
[functions.free.experimentation]
type = "static"
candidate_variants = ["bare"]
[functions.free.experimentation.namespaces.n]
type = "static"
candidate_variants = ["v"]
[functions.free.evaluators.exact]
type = "exact_match"
[functions.other]
type = "chat"
[functions.other.variants.v]
type = "chat_completion"
model = "sorter"
[functions.other.evaluators.exact]
type = "exact_match"
[evaluations.quality]
type = "inference"
function_name = "sort"
[evaluations.quality.evaluators.exact]
type = "exact_match"
[evaluations.foreign]
type = "inference"
function_name = "other"
[evaluations.foreign.evaluators.exact]
type = "exact_match"
[evaluations.void]
type = "inference"
function_name = "sort"
"""
FILES = {
    "x.ts": "",
    "kind.json": '{"type": "object", "properties": {"kind": {"type": "string"}}, "required": ["kind"]}',
    "judge.txt": "How long is it?",
    "user.minijinja": "Mail: {{ user_text }}",
    "plain.minijinja": "Sort mail.",
    "bills.minijinja": "Sort mail. Known kinds: bill ",
}

MODELS = ("sorter", "reader", "judge", "analyst", "editor")


def config(url: str) -> str:
    """Write the configuration of a gateway whose models are at an address."""
    return "".join(MODEL.format(name=name, url=url) for name in MODELS) + FUNCTION


def point(number: int, function_name: str = "sort") -> dict[str, Any]:
    """Write a datapoint: bills and greetings in turn."""
    kind = "greeting" if number % 2 else "bill"
    return {
        "type": "chat",
        "function_name": function_name,
        "input": {"messages": [{"role": "user", "content": f"Mail {number}: a {kind}"}]},
        "output": [{"type": "text", "text": kind}],
    }


class Searching:
    """A gateway under test, and a dataset of the test's own."""

    def __init__(self, gateway: RunningGateway) -> None:
        self.gateway = gateway
        self.dataset = f"mail {new_uuid7()}"

    async def add(
        self, count: int = 16, dataset: str | None = None, *, step: int = 1, **fields: Any
    ) -> list[str]:
        """Make datapoints; return their ids. With a step of 2 all are greetings."""
        points = [point(number, **fields) for number in range(step - 1, step * count, step)]
        path = f"/v1/datasets/{dataset or self.dataset}/datapoints"
        reply = await self.gateway.post(path, {"datapoints": points})
        assert reply.status == 200, reply.body
        ids: list[str] = reply.json()["ids"]
        return ids

    async def add_json(self, function_name: str) -> None:
        """Make eight datapoints of a JSON function, all greetings."""
        points = [
            {
                "type": "json",
                "function_name": function_name,
                "input": {"messages": [{"role": "user", "content": f"{number}: a greeting"}]},
                "output": {"raw": '{"kind": "greeting"}'},
            }
            for number in range(8)
        ]
        path = f"/v1/datasets/{self.dataset}/datapoints"
        reply = await self.gateway.post(path, {"datapoints": points})
        assert reply.status == 200, reply.body

    def request(self, **fields: Any) -> dict[str, Any]:
        """Write a launch; a field of None is left out."""
        usual = {
            "function_name": "sort",
            "analysis_model": "analyst",
            "mutation_model": "editor",
            "max_iterations": 2,
            "dataset_name": self.dataset,
            "evaluators": ["exact"],
            "seed": 1,
            "batch_size": 8,
        }
        return {name: value for name, value in {**usual, **fields}.items() if value is not None}

    async def refused(self, **fields: Any) -> Reply:
        """Try to launch."""
        return await self.gateway.post(GEPA, self.request(**fields))

    async def launch(self, **fields: Any) -> str:
        """Launch; return the task's id."""
        reply = await self.refused(**fields)
        assert reply.status == 200, reply.body
        task_id: str = reply.json()["task_id"]
        return task_id

    async def get(self, task_id: str) -> Any:
        """Ask how a search is."""
        reply = await self.gateway.get(f"{GEPA}/{task_id}")
        assert reply.status == 200, reply.body
        return reply.json()

    async def until(self, task_id: str, is_there: Callable[[Any], bool]) -> Any:
        """Ask until the answer is as wanted."""
        deadline = asyncio.get_running_loop().time() + 60
        while asyncio.get_running_loop().time() < deadline:
            told = await self.get(task_id)
            if is_there(told):
                return told
            await asyncio.sleep(0.02)
        raise AssertionError(f"waited in vain; last seen: {told}")

    async def end(self, task_id: str) -> Any:
        """Wait for the end of a search."""
        return await self.until(task_id, lambda told: told["status"] != "pending")

    async def search(self, **fields: Any) -> Any:
        """Launch, and wait for the end."""
        return await self.end(await self.launch(**fields))
