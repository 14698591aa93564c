"""Tests of `tzproxy.datasets.datasets`, on the embedded engine."""

from __future__ import annotations

from typing import Any

import pytest

from datasets.samples import UNKNOWN, Opened, answer, chat, collected, said, texts
from tzproxy.datasets.datasets import Datasets, new_ids
from tzproxy.datasets.errors import (
    DatapointNotFoundError,
    DatasetNameError,
    DatasetsDisabledError,
)
from tzproxy.datasets.requests import CloneRequest, CreateRequest, IdsRequest, ListRequest
from tzproxy.errors import RequestError
from tzproxy.inference.catalog import ConfigCatalog
from tzproxy.inference.files.keep import FileKeeper

EPISODE = "01900000-0000-7000-8000-000000000002"


def tag(key: str, value: str, operator: str = "=") -> dict[str, str]:
    """Return a condition on a tag."""
    return {"type": "tag", "key": key, "value": value, "comparison_operator": operator}


async def test_a_chat_datapoint(opened: Opened) -> None:
    """What was made is there at once, as it was sent, by its id."""
    (made,) = await opened.create(
        chat(output=texts("fine"), tags={"a": "b"}, name="first", episode_id=EPISODE.upper())
    )
    found = await opened.one(made)
    assert found.pop("updated_at")[10] == "T"
    assert found == {
        "type": "chat",
        "dataset_name": opened.name,
        "function_name": "talk",
        "id": made,
        "episode_id": EPISODE,
        "input": {"messages": [{"role": "user", "content": texts("Hello")}]},
        "output": texts("fine"),
        "provider_tools": [],
        "tags": {"a": "b"},
        "is_deleted": False,
        "is_custom": True,
        "name": "first",
    }
    assert await opened.page() == [{**found, "updated_at": (await opened.one(made))["updated_at"]}]


async def test_a_failed_create_leaves_nothing(opened: Opened) -> None:
    """One bad datapoint among good ones: none is written, in neither table."""
    with pytest.raises(RequestError) as caught:
        await opened.create(chat(), answer(), chat(function_name="nope"))
    assert caught.value.status == 400
    assert (
        caught.value.message == "Failed to convert chat datapoint to database insert: Unknown function: nope"
    )
    assert await opened.rows() == []
    assert await opened.rows("Json") == []


async def test_ids_follow_the_request(opened: Opened) -> None:
    """Both kinds in one request get ascending ids in its order; a list shows the last one first."""
    ids = await opened.create(answer(name="a"), chat(name="b"), answer(name="c"), chat(name="d"))
    assert ids == sorted(ids)
    assert await opened.names() == ["d", "c", "b", "a"]
    assert [found["id"] for found in await opened.get(*ids)] == ids[::-1]


async def test_an_update_replaces(opened: Opened) -> None:
    """The changed datapoint has a new id; the old one is hidden, but there when asked for by its id."""
    old, other = await opened.create(
        chat(output=texts("x"), tags={"a": "b"}, name="n", episode_id=EPISODE), chat(name="other")
    )
    (new,) = await opened.update({"type": "chat", "id": old, "input": said("Bye"), "output": None})
    assert new > other
    found = await opened.one(new)
    assert found["input"]["messages"][0]["content"] == texts("Bye")
    assert (found["tags"], found["name"], found["episode_id"]) == ({"a": "b"}, "n", EPISODE)
    assert "output" not in found
    assert sorted(item["id"] for item in await opened.page()) == [other, new]
    stale = await opened.one(old)
    assert (stale["output"], stale["is_custom"]) == (texts("x"), True)
    assert stale["staled_at"]
    rows = [(row["id"], row["staled_at"] is None) for row in await opened.rows()]
    assert rows == [(old, False), (other, True), (new, True)]


async def test_what_is_replaced_cannot_be_changed(opened: Opened) -> None:
    """A datapoint that was replaced or deleted is not found by changes, and then nothing is changed."""
    first, second = await opened.create(chat(), chat())
    (new,) = await opened.update({"type": "chat", "id": first, "name": "x"})
    before = await opened.rows()
    for gone in (first, UNKNOWN):
        for change in (opened.update, opened.rename):
            with pytest.raises(DatapointNotFoundError) as caught:
                await change({"type": "chat", "id": new, "name": "y"}, {"type": "chat", "id": gone})
            assert (caught.value.status, caught.value.message) == (
                404,
                f"Datapoint not found for dataset: {opened.name} and id: {gone}",
            )
    assert await opened.rows() == before
    assert await opened.delete(first, second, second.upper(), UNKNOWN) == 1


@pytest.mark.parametrize("change", ["update", "rename"])
async def test_changes_that_say_nothing(opened: Opened, change: str) -> None:
    """No changes, and two of one datapoint, are refused before the store is asked."""
    run = getattr(opened, change)
    with pytest.raises(RequestError, match="^At least one datapoint must be provided$"):
        await run()
    twice = [{"type": "chat", "id": UNKNOWN}, {"type": "chat", "id": UNKNOWN.upper()}]
    with pytest.raises(RequestError, match=f"^Duplicate datapoint id provided: {UNKNOWN}$"):
        await run(*twice)
    with pytest.raises(RequestError, match=r"^datapoints\[0\]\.id: UUID parsing failed: "):
        await run({"type": "chat", "id": "x"})


async def test_names(opened: Opened) -> None:
    """A name changes in place: same id; null clears it and absent keeps it."""
    one, two, three = await opened.create(chat(name="a"), answer(name="b"), chat(name="c"))
    renamed = await opened.rename({"id": one, "name": "A"}, {"id": two, "name": None}, {"id": three})
    assert renamed == [one, two, three]
    assert await opened.names(order_by=[]) == ["c", None, "A"]
    assert [row["id"] for row in await opened.rows("Json")] == [two]


async def test_deletion(opened: Opened) -> None:
    """What is deleted vanishes from lists and counts, once; the rest stays."""
    one, two, three = await opened.create(chat(), answer(), chat())
    assert await opened.datasets.count(opened.name, None) == 3
    assert await opened.delete(one, two) == 2
    assert await opened.delete(one, two) == 0
    assert [found["id"] for found in await opened.page()] == [three]
    assert await opened.datasets.count(opened.name, None) == 1
    with pytest.raises(RequestError, match="^ids must be a non-empty list$"):
        await opened.delete()
    with pytest.raises(RequestError, match=r"^ids\[1\]: UUID parsing failed"):
        await opened.delete(one, "")


async def test_a_deleted_datapoint_keeps_its_configuration(opened: Opened) -> None:
    """Which configuration made a datapoint is still told when it is deleted; a change forgets it."""
    one, two = await opened.create(chat(), chat())
    made = [row["snapshot_hash"] for row in await opened.rows()]
    await opened.update({"type": "chat", "id": two, "name": "n"})
    await opened.delete(one)
    gone, replaced, changed = await opened.rows()
    assert gone["staled_at"] and replaced["staled_at"]
    assert [gone["snapshot_hash"], *made] == [made[0]] * 3
    assert (replaced["snapshot_hash"], changed["snapshot_hash"]) == (None, None)


async def test_deletion_of_a_dataset(opened: Opened) -> None:
    """A whole dataset goes, of both kinds, and is no dataset any more."""
    ids = await opened.create(chat(), answer(), answer())
    assert await opened.datasets.delete_dataset(opened.name) == 3
    assert await opened.datasets.delete_dataset(opened.name) == 0
    assert await opened.page() == []
    assert all(found["staled_at"] for found in await opened.get(*ids))
    assert opened.name not in [found.dataset_name for found in await datasets_of(opened)]


async def datasets_of(opened: Opened, function_name: str | None = None) -> Any:
    """List all datasets."""
    return await opened.datasets.datasets(function_name, limit=None, offset=0)


async def test_the_list_of_datasets(opened: Opened) -> None:
    """Datasets come with the number of their live datapoints, the one changed last first."""
    await opened.create(chat(), answer())
    other = f"{opened.name} other"
    await opened.create(chat(function_name="weather"), name=other)
    found = [item for item in await datasets_of(opened) if item.dataset_name.startswith(opened.name)]
    assert [(item.dataset_name, item.datapoint_count) for item in found] == [(other, 1), (opened.name, 2)]
    assert found[0].last_updated[10] == "T"
    (first,) = await opened.datasets.datasets("weather", limit=1, offset=0)
    assert first.dataset_name == other
    assert opened.name not in [item.dataset_name for item in await datasets_of(opened, "weather")]
    assert await opened.datasets.count(opened.name, "extract") == 1


async def test_limit_and_offset(opened: Opened) -> None:
    """Pages are cut from one order; without a limit a page has 20."""
    await opened.create(*[chat(name=f"{number:02}") for number in range(23)])
    assert len(await opened.page()) == 20
    assert await opened.names(limit=2, offset=1) == ["21", "20"]
    assert await opened.names(page_size=1) == ["22"]
    assert await opened.names(limit=2, page_size=1) == ["22", "21"]
    assert await opened.names(limit=0) == []
    assert await opened.names(limit=4294967295, offset=21) == ["01", "00"]
    ascending = [{"by": "timestamp", "direction": "ascending"}]
    assert await opened.names(limit=1, order_by=ascending) == ["00"]


async def test_order_by_time(opened: Opened) -> None:
    """The time is the one of the last change, in either direction."""
    ids = [(await opened.create(chat(name=name)))[0] for name in "abc"]
    await opened.rename({"id": ids[0], "name": "A"})
    assert await opened.names() == ["A", "c", "b"]
    assert await opened.names(order_by=[{"by": "timestamp", "direction": "ascending"}]) == ["b", "c", "A"]


async def test_search(opened: Opened) -> None:
    """Text is looked for in inputs and outputs, as it stands there, whatever its case; most hits first."""
    odd = 'it\'s "odd" \\ \n É %_ {x:String}'
    await opened.create(
        chat(name="input", input=said(odd)),
        chat(name="output", output=texts(odd + odd)),
        answer('{"answer":"Needle needle"}', name="json"),
        chat(name="none"),
    )
    assert await opened.names(search_query_experimental=odd.replace("É", "é")) == ["output", "input"]
    assert await opened.names(search_query_experimental="NEEDLE") == ["json"]
    assert await opened.names(search_query_experimental='"type"') == []
    by_relevance = [{"by": "search_relevance", "direction": "ascending"}]
    assert await opened.names(search_query_experimental="odd", order_by=by_relevance) == ["input", "output"]
    with pytest.raises(RequestError) as caught:
        await opened.page(order_by=by_relevance)
    assert (
        caught.value.message == "OrderBy::SearchRelevance requires search_query_experimental to be provided"
    )


@pytest.mark.parametrize(
    ("tree", "names"),
    [
        (tag("k", "1"), ["a"]),
        (tag("k", "1", "!="), ["b"]),
        ({"type": "not", "child": tag("k", "1")}, ["c", "b"]),
        ({"type": "and", "children": []}, ["c", "b", "a"]),
        ({"type": "or", "children": []}, []),
        ({"type": "or", "children": [tag("k", "1"), tag("other", "x")]}, ["c", "a"]),
        ({"type": "and", "children": [tag("k", "2"), {"type": "not", "child": tag("k", "3")}]}, ["b"]),
        ({"type": "time", "time": "2020-01-01T00:00:00Z", "comparison_operator": ">"}, ["c", "b", "a"]),
        ({"type": "time", "time": "2020-01-01T02:00:00+02:00", "comparison_operator": "<="}, []),
    ],
)
async def test_filters(opened: Opened, tree: dict[str, Any], names: list[str]) -> None:
    """Trees of conditions on tags and time mean what they say."""
    await opened.create(
        chat(name="a", tags={"k": "1"}),
        answer(name="b", tags={"k": "2"}),
        chat(name="c", tags={"other": "x"}),
    )
    assert await opened.names(filter=tree) == names


async def test_filters_that_are_not_for_datapoints(opened: Opened) -> None:
    """A condition on a metric is refused, with its place in the tree."""
    metric = {"type": "boolean_metric", "metric_name": "m", "value": True}
    with pytest.raises(RequestError) as caught:
        await opened.page(filter={"type": "and", "children": [tag("a", "b"), metric]})
    assert caught.value.message.startswith("filter.children[1]: ")


async def test_one_function(opened: Opened) -> None:
    """A list may be of one function; one that nobody knows has no datapoints."""
    await opened.create(chat(name="a"), chat(name="b", function_name="weather"), answer(name="c"))
    assert await opened.names(function_name="weather") == ["b"]
    assert await opened.names(function_name="extract") == ["c"]
    assert await opened.names(function_name="nope") == []


async def test_getting(opened: Opened) -> None:
    """Ids find datapoints within their dataset, or everywhere; unknown ones are missing."""
    (made,) = await opened.create(chat(name="here"))
    (away,) = await opened.create(chat(name="away"), name=f"{opened.name} other")
    assert [found["name"] for found in await opened.get(made, away, UNKNOWN, made)] == ["here"]
    everywhere = await opened.get(made, away, everywhere=True)
    assert [found["name"] for found in everywhere] == ["away", "here"]
    assert await opened.get() == []
    with pytest.raises(RequestError, match=r"^ids\[0\]: "):
        await opened.get("x")


async def test_clones(opened: Opened) -> None:
    """Live datapoints of any dataset are copied with all they have; for others there is null."""
    one, two, gone = await opened.create(
        chat(name="a", tags={"x": "y"}, episode_id=EPISODE), answer(name="b"), chat()
    )
    await opened.delete(gone)
    target = f"{opened.name} copy"
    clones = await opened.clone(target, two, gone, one, UNKNOWN, one)
    assert [clone is None for clone in clones] == [False, True, False, True, False]
    (copy,) = await opened.get(str(clones[2]), everywhere=True)
    (original,) = await opened.get(one)
    assert (copy.pop("id"), copy.pop("dataset_name")) == (clones[2], target)
    same = ("id", "dataset_name", "updated_at")
    assert {key: value for key, value in copy.items() if key not in same} == {
        key: value for key, value in original.items() if key not in same
    }
    assert await opened.datasets.count(target, None) == 3
    assert await opened.clone(target) == []


@pytest.mark.parametrize("name", ["builder", "tensorzero::x"])
async def test_reserved_names(opened: Opened, name: str) -> None:
    """Reserved names are refused before anything else, but where datapoints are only looked up."""
    datasets, ids = opened.datasets, IdsRequest([])
    for call in (
        datasets.create(name, CreateRequest([])),
        datasets.delete(name, ids),
        datasets.delete_dataset(name),
        collected(datasets.page(name, ListRequest())),
        datasets.clone(name, CloneRequest([])),
    ):
        with pytest.raises(DatasetNameError) as caught:
            await call
        assert caught.value.message.startswith(f"Invalid dataset name: {name}. ")
    assert await collected(datasets.get(IdsRequest([UNKNOWN]), name)) == []


async def test_without_a_store(catalog: ConfigCatalog, keeper: FileKeeper) -> None:
    """Without a store there are no datasets, and that is said."""
    with pytest.raises(DatasetsDisabledError, match="gateway.observability.enabled"):
        await collected(Datasets(catalog, None, keeper).page("d", ListRequest()))


def test_ids_ascend() -> None:
    """Ids made together ascend in any millisecond."""
    ids = new_ids(500)
    assert ids == sorted(ids)
    assert len(set(ids)) == 500
