"""Tests of `tzproxy.optimization.gepa.search`, in a whole gateway over a real store and a real socket."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path
from typing import Any

import pytest

from optimization.gepa.conftest import StartSearching
from optimization.gepa.provider import Mail, text_of
from optimization.gepa.samples import Searching, config
from tzproxy.clickhouse import StoreClient
from tzproxy.optimization.gepa import search

TAKEN = """
[functions.sort.variants.gepa-iter-0-plain]
type = "chat_completion"
model = "sorter"
templates.system.path = "plain.minijinja"
"""


def template(told: Any, name: str) -> str:
    """Return the system template of a variant that was found."""
    text: str = told["variants"][name]["templates"]["system"]["path"]["__data"]
    return text


async def test_the_frontier_improves_and_losers_are_dropped(searching: Searching, mail: Mail) -> None:
    """The child knows all kinds: it is what is returned; what it beats is never a parent again."""
    await searching.add()
    told = await searching.search(max_iterations=3)
    assert told.keys() == {"status", "variants", "statistics"}
    assert told["status"] == "completed"
    assert list(told["variants"]) == ["gepa-iter-0-bills"]
    assert template(told, "gepa-iter-0-bills") == "Sort mail. Known kinds: bill greeting "
    assert {name: stats["exact"]["mean"] for name, stats in told["statistics"].items()} == {
        "plain": 0.0,
        "bills": pytest.approx(0.5, abs=0.3),
        "gepa-iter-0-bills": 1.0,
    }
    assert told["statistics"]["gepa-iter-0-bills"]["exact"] == {"mean": 1.0, "stdev": 0.0, "count": 8}
    # `plain` is worse than `bills` everywhere: after the first look at it nobody asked it again.
    plain = [body for body in mail.of("sorter") if text_of(body["messages"][0]) == "Sort mail."]
    assert len(plain) == 8
    # The editor has nothing to add to a perfect prompt: no later child was any better.
    assert len(mail.of("editor")) == 3


async def test_specialists_stay(searching: Searching, mail: Mail) -> None:
    """A child that is right where its parent is wrong stays beside it, if it is wrong elsewhere."""
    await searching.add(4, "greetings only", step=2)
    await searching.add()
    mail.replies["editor"] = json.dumps(
        {"templates": [{"name": "system", "content": "Sort mail. Known kinds: greeting "}]}
    )
    told = await searching.search(
        dataset_name=None,
        train_dataset_name="greetings only",
        val_dataset_name=searching.dataset,
        initial_variants=["bills"],
        max_iterations=4,
    )
    found = list(told["variants"])
    assert found[0] == "gepa-iter-0-bills"
    assert template(told, found[0]) == "Sort mail. Known kinds: greeting "
    assert {name: stats["exact"]["mean"] for name, stats in told["statistics"].items()} == dict.fromkeys(
        ["bills", *found], 0.5
    )
    # It was not beaten, and had a child itself now and then.
    assert {name.rpartition("-")[2] for name in found} == {"bills"}


async def test_a_child_that_is_no_better_is_not_validated(searching: Searching, mail: Mail) -> None:
    """It is evaluated on the batch alone, and is not returned."""
    await searching.add()
    mail.replies["editor"] = json.dumps({"templates": [{"name": "system", "content": "Be vague."}]})
    told = await searching.search(initial_variants=["bills"], max_iterations=1, batch_size=3)
    assert told["variants"] == {}
    assert set(told["statistics"]) == {"bills"}
    asked = [text_of(body["messages"][0]) for body in mail.of("sorter")]
    assert asked.count("Be vague.") == 3
    assert len(asked) == 8 + 3 + 3


async def test_two_datasets(searching: Searching, mail: Mail) -> None:
    """What is learned from one is decided by the other."""
    train, validation = f"{searching.dataset} train", f"{searching.dataset} val"
    await searching.add(6, train)
    await searching.add(4, validation)
    told = await searching.search(
        dataset_name=None,
        train_dataset_name=train,
        val_dataset_name=validation,
        max_iterations=1,
    )
    assert told["statistics"]["gepa-iter-0-bills"]["exact"]["count"] == 4
    # A batch is no larger than what there is.
    assert len(mail.of("analyst")) == 6


async def test_the_same_seed_does_the_same(searching: Searching, mail: Mail) -> None:
    """Batches, parents and prompts are the same for the same seed, and other batches for another."""
    await searching.add()
    asked = []
    for seed in (3, 3, 4):
        mail.asked.clear()
        await searching.search(seed=seed, max_iterations=2, batch_size=4)
        asked.append(sorted(text_of(body["messages"][-1]) for body in mail.of("analyst")))
    assert asked[0] == asked[1] != asked[2]


async def test_models_are_shown_what_they_need(searching: Searching, mail: Mail) -> None:
    """Function, evaluators, templates, case and reports; who rewrites sees the cases only if so wished."""
    await searching.add()
    both = ["exact", "short"]
    await searching.search(max_iterations=1, evaluators=both, include_inference_for_mutation=False)
    asked = text_of(mail.of("analyst")[0]["messages"][-1])
    for part in (
        "Says what kind of mail a text is.",
        '"must_not_match": "[A-Z]"',
        '<template name="system">',
        "<reference_answer>",
    ):
        assert part in asked
    (editor,) = mail.of("editor")
    written = text_of(editor["messages"][-1])
    assert "it should name: greeting." in written
    assert "<case>" not in written
    assert editor["response_format"]["json_schema"]["strict"] is True


async def test_no_more_at_once_than_wished(searching: Searching, mail: Mail) -> None:
    """Neither inferences nor analyses."""
    await searching.add()
    await searching.search(max_concurrency=2, max_iterations=1)
    assert mail.most_at_once["sorter"] <= 2
    assert mail.most_at_once["analyst"] <= 2
    mail.most_at_once.clear()
    await searching.search(max_concurrency=1, max_iterations=1)
    assert set(mail.most_at_once.values()) == {1}


@pytest.mark.parametrize(
    ("model", "reply", "words"),
    [
        ("analyst", "no report", "replied without a report"),
        ("editor", "no json", "something else than templates"),
        ("editor", '{"templates": []}', r"the templates \['system'\], not with \[\]"),
        (
            "editor",
            '{"templates": [{"name": "system", "content": "{% if %}"}]}',
            "internal_dynamic_variant_config: ",
        ),
    ],
    ids=["no report", "no JSON", "no templates", "no template"],
)
async def test_an_iteration_that_fails_is_skipped(
    searching: Searching, mail: Mail, caplog: pytest.LogCaptureFixture, model: str, reply: str, words: str
) -> None:
    """The log says why; the search goes on to its end, with nothing found."""
    await searching.add()
    mail.replies[model] = reply
    with caplog.at_level(logging.WARNING, search.__name__):
        told = await searching.search(max_iterations=2)
    assert told["variants"] == {}
    skipped = [record.getMessage() for record in caplog.records if "was skipped" in record.getMessage()]
    assert len(skipped) == 2
    assert all(re.search(words, line) for line in skipped)
    # And so does the answer.
    assert list(told["skipped_iterations"]) == ["0", "1"]
    assert re.search(words, told["skipped_iterations"]["1"])


async def test_one_bad_report_costs_nothing_else(searching: Searching, mail: Mail) -> None:
    """The other reports of the batch are enough."""
    await searching.add()
    replies = iter(["no report"])
    original = mail.complete

    def complete(body: dict[str, Any]) -> dict[str, Any]:
        if body["model"] == "analyst" and (reply := next(replies, None)) is not None:
            mail.replies["analyst"] = reply
        else:
            mail.replies.pop("analyst", None)
        return original(body)

    mail.complete = complete  # type: ignore[method-assign]
    told = await searching.search(max_iterations=1, max_concurrency=1)
    assert len(mail.of("editor")) == 1
    assert told["variants"]


async def test_nothing_that_could_be_scored(searching: Searching) -> None:
    """The search ends with an error that says what was wrong first."""
    await searching.add()
    told = await searching.search(evaluators=["program"])
    assert told["status"] == "error"
    assert told["error"].startswith("no initial variant could be scored on any datapoint: Evaluators in Type")


async def test_the_rows_of_a_search(searching: Searching, store: StoreClient) -> None:
    """Each evaluation is a run like any other; the inferences of candidates leave no rows."""
    await searching.add()
    await searching.search(max_iterations=1)
    query = "SELECT count() AS n FROM InferenceEvaluationRuns WHERE dataset_name = {name:String}"
    (row,) = store.query(query, {"name": searching.dataset})
    # Two initial variants, parent and child on the batch, the child on the rest.
    assert int(row["n"]) == 5
    assert searching.gateway.chat_rows == []


async def test_a_json_function_with_older_templates_and_a_judge(searching: Searching, mail: Mail) -> None:
    """Templates that take the caller's text stay in the older form; what comes back serves."""
    await searching.add_json("read")
    told = await searching.search(function_name="read", evaluators=["exact", "length"], max_iterations=1)
    found = told["variants"]["gepa-iter-0-older"]
    assert found["templates"]["system"]["path"]["__data"] == "Sort mail. Known kinds: greeting "
    assert found["user_template"]["__data"] == "Mail: {{ user_text }}"
    assert "timeouts" not in found
    assert told["statistics"]["gepa-iter-0-older"] == {
        "exact": {"mean": 1.0, "stdev": 0.0, "count": 4},
        "length": {"mean": 7.0, "stdev": 0.0, "count": 4},
    }
    assert all(text_of(body["messages"][-1]).startswith("Mail: ") for body in mail.of("reader"))
    assert '"judge_instructions": [' in text_of(mail.of("analyst")[0]["messages"][-1])
    request = {
        "function_name": "read",
        "input": {"messages": [{"role": "user", "content": "a greeting"}]},
        "internal_dynamic_variant_config": {"type": "chat_completion", **found},
        "dryrun": True,
    }
    answer = await searching.gateway.post("/inference", request)
    assert answer.json()["output"]["parsed"] == {"kind": "greeting"}


async def test_a_name_that_is_taken(begin: StartSearching, mail: Mail, tmp_path: Path) -> None:
    """A child is never called like a variant of the configuration, such as one of an earlier search."""
    text = config(mail.url) + TAKEN
    (tmp_path / "tensorzero.toml").write_text(text)
    searching = await begin()
    await searching.add()
    told = await searching.search(max_iterations=1, initial_variants=["plain"])
    assert list(told["variants"]) == ["gepa-iter-0-plain-2"]


async def test_a_json_function_without_a_schema(searching: Searching) -> None:
    """Anything in JSON is an answer; a variant of a namespace is searched like any other."""
    await searching.add_json("free")
    told = await searching.search(function_name="free", max_iterations=1)
    assert told["statistics"]["v"]["exact"]["mean"] == 0.0
    assert told["statistics"]["gepa-iter-0-v"]["exact"]["mean"] == 1.0
