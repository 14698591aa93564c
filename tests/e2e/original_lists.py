"""The original gateway writes into a store, then it and ours are asked the same. Run as a process of its own.

    python original_lists.py CONFIG STORE_URL GATEWAY_URL

Prints a JSON list of [question, what the original answers, what ours answers], each as text.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import sys
import time
from typing import Any

from tensorzero import TensorZeroError, TensorZeroGateway
from tensorzero import generated_types as types

WEATHER: Any = {"messages": [{"role": "user", "content": 'How warm is "Łódź" \\ today?\n'}]}
THOUGHT = {"type": "thought", "text": "hm", "signature": "s", "provider_type": "anthropic"}
RICH: Any = {
    "system": "Be brief.",
    "messages": [
        {"role": "user", "content": [{"type": "raw_text", "value": "raw"}]},
        {
            "role": "assistant",
            "content": [
                THOUGHT,
                {"type": "tool_call", "id": "1", "name": "get_temperature", "arguments": "{}"},
            ],
        },
        {
            "role": "user",
            "content": [{"type": "tool_result", "id": "1", "name": "get_temperature", "result": "21"}],
        },
    ],
}
CONTACT: Any = {
    "messages": [
        {"role": "user", "content": [{"type": "template", "name": "user", "arguments": {"text": "Ada"}}]}
    ]
}


def write(gateway: TensorZeroGateway) -> list[str]:
    """Make inferences and feedback; return the inferences' ids, the oldest first."""
    extra: Any = {
        "name": "own",
        "description": "d",
        "parameters": {"type": "object", "properties": {}},
        "strict": False,
    }
    made = [
        gateway.inference(
            function_name="hello", input=WEATHER, variant_name="brief", tags={"k": "a", "ł": "'"}
        ),
        gateway.inference(
            function_name="hello", input=RICH, params={"chat_completion": {"temperature": 0.7, "seed": 3}}
        ),
        gateway.inference(function_name="weather", input=WEATHER, tags={"k": "b"}),
        gateway.inference(
            function_name="weather",
            input=WEATHER,
            allowed_tools=["get_temperature"],
            additional_tools=[extra],
            tool_choice={"specific": "get_temperature"},
            parallel_tool_calls=False,
        ),
        gateway.inference(function_name="extract_contact", input=CONTACT, tags={"k": "a"}),
        gateway.inference(model_name="mock", input=WEATHER),
    ]
    made.append(gateway.inference(function_name="hello", input=WEATHER, episode_id=made[1].episode_id))
    ids = [str(answer.inference_id) for answer in made]
    time.sleep(1)
    for inference_id, value in ((ids[0], True), (ids[1], False), (ids[1], True), (ids[4], False)):
        gateway.feedback(metric_name="helpful", inference_id=inference_id, value=value)
        time.sleep(1.1)
    for inference_id, number in ((ids[0], 0.1), (ids[1], 0.5), (ids[4], -2)):
        gateway.feedback(metric_name="rating", inference_id=inference_id, value=number)
    gateway.feedback(metric_name="calm", episode_id=made[1].episode_id, value=0.25)
    gateway.feedback(metric_name="demonstration", inference_id=ids[0], value="Better")
    gateway.feedback(metric_name="demonstration", inference_id=ids[4], value={"name": "Ada", "email": "a@b"})
    time.sleep(1.1)
    gateway.feedback(metric_name="demonstration", inference_id=ids[0], value="Best")
    time.sleep(1)
    return ids


def questions(ids: list[str]) -> dict[str, dict[str, Any]]:
    """Return the arguments of requests."""
    helpful = types.InferenceFilterBooleanMetric(metric_name="helpful", value=True)
    tag = types.InferenceFilterTag(key="k", value="a", comparison_operator="=")
    other = types.InferenceFilterTag(key="k", value="a", comparison_operator="!=")
    shown = types.InferenceFilterDemonstrationFeedback(has_demonstration=True)
    late = types.InferenceFilterTime(time="2020-01-01T00:00:00+02:00", comparison_operator=">")
    rated = {
        f"{name} {operator} {value}": types.InferenceFilterFloatMetric(
            metric_name=name, value=value, comparison_operator=operator
        )
        for name, value in (("rating", 0.1), ("rating", 0.5), ("calm", 0.25))
        for operator in ("<", "<=", "=", ">", ">=", "!=")
    }
    trees = {"helpful": helpful, "tag": tag, "other": other, "shown": shown, "late": late}
    for (first, left), (second, right) in itertools.combinations(dict(trees).items(), 2):
        trees[f"{first} and {second}"] = types.InferenceFilterAnd(children=[left, right])
        trees[f"{first} or not {second}"] = types.InferenceFilterOr(
            children=[left, types.InferenceFilterNot(child=right)]
        )
    trees |= {f"not {name}": types.InferenceFilterNot(child=tree) for name, tree in list(trees.items())}
    trees |= rated
    trees |= {f"not {name}": types.InferenceFilterNot(child=tree) for name, tree in rated.items()}
    for name, tree in rated.items():
        nested = types.InferenceFilterOr(children=[tree])
        trees[f"not any {name}"] = types.InferenceFilterNot(child=nested)
    trees |= {
        "empty and": types.InferenceFilterAnd(children=[]),
        "empty or": types.InferenceFilterOr(children=[]),
    }
    asked: dict[str, dict[str, Any]] = {
        f"{name} of {function}": {"filters": tree, "function_name": function}
        for name, tree in trees.items()
        for function in (None, "hello")
    }
    by_metric = [types.OrderByMetric(name="helpful", direction="ascending")]
    by_relevance = [types.OrderBySearchRelevance(direction="descending")]
    time_up = [types.OrderByTimestamp(direction="ascending")]
    by_rating = [types.OrderByMetric(name="rating", direction="descending")]
    by_calm = [types.OrderByMetric(name="calm", direction="ascending"), *time_up]
    asked |= {
        "oldest first": {"order_by": time_up, "limit": 3},
        "oldest first of one": {"order_by": time_up, "function_name": "hello"},
        "oldest first, after": {"order_by": time_up, "function_name": "hello", "after": ids[0], "limit": 2},
        "by rating": {"order_by": by_rating, "function_name": "hello"},
        "by an episode's metric": {"order_by": by_calm, "function_name": "hello"},
        "by relevance": {"order_by": by_relevance, "search_query_experimental": "a"},
        "by relevance of one": {
            "order_by": by_relevance,
            "search_query_experimental": "to",
            "function_name": "hello",
        },
        "none at all": {"limit": 0},
        "everything": {},
        "a json function": {"function_name": "extract_contact"},
        "no function": {"function_name": "tensorzero::default"},
        "nothing of it": {"output_source": "none"},
        "demonstrations": {"output_source": "demonstration"},
        "demonstrations of one": {"output_source": "demonstration", "function_name": "extract_contact"},
        "a page": {"limit": 2, "offset": 1},
        "before": {"before": ids[3], "limit": 2},
        "after": {"after": ids[1], "limit": 2},
        "variant": {"variant_name": "brief"},
        "by metric": {"function_name": "hello", "order_by": by_metric},
        "metric of all": {"order_by": by_metric},
        "relevance without text": {"order_by": by_relevance},
        "unknown function": {"function_name": "nobody"},
        "unknown metric": {"filters": types.InferenceFilterBooleanMetric(metric_name="no", value=True)},
        "offset and cursor": {"before": ids[0], "offset": 0},
        "both cursors": {"before": ids[0], "after": ids[0]},
    }
    for text in ("łÓDŹ", '"Łódź" \\ t', "\n", "%", ""):
        asked[f"search {text!r}"] = {"search_query_experimental": text}
    return asked


def as_text(answer: Any) -> str:
    """Write the inferences of an answer; the original gives maps in any order."""
    return json.dumps([dataclasses.asdict(item) for item in answer.inferences], sort_keys=True)


def ask(gateway: TensorZeroGateway, arguments: dict[str, Any]) -> str:
    """Return an answer, or a refusal, as text."""
    try:
        answer = gateway.list_inferences(request=types.ListInferencesRequest(**arguments))
    except TensorZeroError as exc:
        return f"{exc.status_code} {exc.text}"
    return as_text(answer)


def main() -> None:
    """Write, ask both, print."""
    config, store_url, gateway_url = sys.argv[1:]
    original = TensorZeroGateway.build_embedded(config_file=config, clickhouse_url=store_url)
    ids = write(original)
    ours = TensorZeroGateway.build_http(gateway_url=gateway_url, timeout=30)
    found = [
        [name, ask(original, arguments), ask(ours, arguments)] for name, arguments in questions(ids).items()
    ]
    for source in ("inference", "demonstration"):
        asked: dict[str, Any] = {"ids": ids[::-2], "output_source": source}
        answers = [as_text(gateway.get_inferences(**asked)) for gateway in (original, ours)]
        found.append([f"get {source}", *answers])
    original.close()
    ours.close()
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
