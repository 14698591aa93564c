"""What can be done with datasets: datapoints are made, changed, deleted, copied, shown. Cold. Knows no HTTP.

Everything of a request is checked before anything of it is written.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import msgspec
from msgspec import UNSET

from tzproxy._speedups.ids import new_uuid7
from tzproxy.clickhouse.queries.datapoint_pages import PageQuery
from tzproxy.clickhouse.queries.datapoints import Datapoints, Dataset
from tzproxy.datasets.answers import Datapoint, answered
from tzproxy.datasets.changes import Changer
from tzproxy.datasets.creation import RowMaker
from tzproxy.datasets.errors import DatapointNotFoundError, DatasetsDisabledError
from tzproxy.datasets.from_inferences import InferenceSource
from tzproxy.datasets.inputs import InputIntake
from tzproxy.datasets.requests import (
    NO_DATAPOINTS,
    CloneRequest,
    CreateRequest,
    FromInferencesRequest,
    IdsRequest,
    ListRequest,
    MetadataRequest,
    UpdateRequest,
    canonical_ids,
    changed_ids,
    check_dataset_name,
)
from tzproxy.errors import RequestError
from tzproxy.inference.engine import Catalog
from tzproxy.inference.files.keep import FileKeeper
from tzproxy.types.datapoints import DatapointRow
from tzproxy.types.filters import OrderByRelevance

ENCODER = msgspec.json.Encoder()
DEFAULT_LIMIT = 20
AT_ONCE = 500
"""How many datapoints are brought into the form of the API before others are served."""


class Datasets:
    """The datasets of a store. One per gateway process. All methods raise StoreError when the store fails."""

    def __init__(
        self,
        catalog: Catalog,
        store: Datapoints | None,
        keeper: FileKeeper,
        source: InferenceSource | None = None,
    ) -> None:
        """Serve the datasets of a store.

        Args:
            catalog: the functions that datapoints are for.
            store: where they are kept; None: nowhere, so that all requests are refused.
            keeper: takes the files of inputs.
            source: the stored inferences that they may be made of; there is one where there is a store.
        """
        self._catalog = catalog
        self._store = store
        self._keeper = keeper
        self._source = source

    async def create(self, dataset_name: str, request: CreateRequest) -> list[str]:
        """Make datapoints; return their ids in the request's order.

        Raises:
            RequestError: for anything that is wrong with any of them; nothing is written then.
        """
        store = self.opened(dataset_name)
        if not request.datapoints:
            raise RequestError(NO_DATAPOINTS)
        inputs = InputIntake(self._keeper)
        maker = RowMaker(self._catalog, inputs, dataset_name)
        ids = new_ids(len(request.datapoints))
        rows = [
            await maker.row(new, datapoint_id, where=f"datapoints[{index}]")
            for index, (new, datapoint_id) in enumerate(zip(request.datapoints, ids, strict=True))
        ]
        await inputs.keep()
        await store.write(rows, at=await store.now())
        return ids

    async def create_from_inferences(
        self, dataset_name: str, request: FromInferencesRequest, ids: Sequence[str] | None = None
    ) -> list[str]:
        """Make a datapoint of each of some inferences; return their ids in the order of that list.

        `ids` are fresh ones unless they are given: a datapoint that has one of them is replaced.

        Raises:
            RequestError: for anything that is wrong with any of them; nothing is written then.
        """
        store = self.opened(dataset_name)
        if self._source is None:
            raise DatasetsDisabledError
        rows = await self._source.rows(request, dataset_name)
        made = new_ids(len(rows)) if ids is None else list(ids)
        if rows:
            named = [msgspec.structs.replace(row, id=new_id) for row, new_id in zip(rows, made, strict=True)]
            await store.write(named, at=await store.now())
        return made

    async def update(self, dataset_name: str, request: UpdateRequest) -> list[str]:
        """Put changed datapoints, with ids of their own, in the place of others; return the new ids in order.

        Raises:
            RequestError: for anything that is wrong with any of them; nothing is written then.
        """
        store = self.opened(dataset_name)
        ids = changed_ids(request.datapoints)
        old_rows = await self._live_rows(store, dataset_name, ids)
        inputs = InputIntake(self._keeper)
        changer = Changer(self._catalog, inputs)
        fresh = new_ids(len(ids))
        changed = [
            await changer.changed(row, change, new_id)
            for row, change, new_id in zip(old_rows, request.datapoints, fresh, strict=True)
        ]
        await inputs.keep()
        at = await store.now()
        staled = [msgspec.structs.replace(row, staled_at=at, snapshot_hash=None) for row in old_rows]
        await store.write([*staled, *changed], at=at)
        return fresh

    async def rename(self, dataset_name: str, request: MetadataRequest) -> list[str]:
        """Give datapoints other names; return their ids, which stay.

        Raises:
            RequestError: for anything that is wrong with any of them; nothing is written then.
        """
        store = self.opened(dataset_name)
        ids = changed_ids(request.datapoints)
        rows = await self._live_rows(store, dataset_name, ids)
        renamed = [
            msgspec.structs.replace(
                row, name=row.name if change.name is UNSET else change.name, snapshot_hash=None
            )
            for row, change in zip(rows, request.datapoints, strict=True)
        ]
        await store.write(renamed, at=await store.now())
        return ids

    async def delete(self, dataset_name: str, request: IdsRequest) -> int:
        """Mark datapoints as deleted; return how many were not already. Unknown ids are passed over.

        Raises:
            RequestError: for an empty list, and for what is no id.
        """
        store = self.opened(dataset_name)
        if not request.ids:
            raise RequestError("ids must be a non-empty list")
        ids = canonical_ids(request.ids, "ids")
        rows = await store.find(ids, dataset_name=dataset_name, is_live=True)
        if rows:
            at = await store.now()
            # As they are: their content is still what the configuration of then made of it.
            await store.write([msgspec.structs.replace(row, staled_at=at) for row in rows], at=at)
        return len(rows)

    async def delete_dataset(self, dataset_name: str) -> int:
        """Mark all datapoints of a dataset as deleted; return how many there were."""
        return await self.opened(dataset_name).stale_dataset(dataset_name)

    async def page(self, dataset_name: str, request: ListRequest) -> AsyncGenerator[Sequence[Datapoint]]:
        """Yield a page of live datapoints, some at a time. Close the generator when leaving early.

        Raises:
            RequestError: for an order or a filter that cannot be.
        """
        store = self.opened(dataset_name)
        order_by = request.order_by or []
        search = request.search_query_experimental
        if search is None and any(isinstance(term, OrderByRelevance) for term in order_by):
            raise RequestError("OrderBy::SearchRelevance requires search_query_experimental to be provided")
        limit = request.page_size if request.limit is None else request.limit
        query = PageQuery(
            dataset_name=dataset_name,
            function_name=request.function_name,
            filter=request.filter,
            search=None if search is None else ENCODER.encode(search).decode()[1:-1],
            order_by=order_by,
            limit=DEFAULT_LIMIT if limit is None else limit,
            offset=request.offset or 0,
        )
        async with aclosing(store.page(query)) as parts:
            async for rows in parts:
                yield answered(rows)

    async def get(
        self, request: IdsRequest, dataset_name: str | None = None
    ) -> AsyncGenerator[Sequence[Datapoint]]:
        """Yield datapoints by their ids, deleted and replaced ones too, the one changed last first.

        Unknown ids are passed over.

        Raises:
            RequestError: for what is no id.
        """
        store = self.opened()
        ids = canonical_ids(request.ids, "ids")
        rows = await store.find(ids, dataset_name=dataset_name)
        rows.sort(key=lambda row: (row.updated_at, row.id), reverse=True)
        for start in range(0, len(rows), AT_ONCE):
            yield answered(rows[start : start + AT_ONCE])

    async def clone(self, dataset_name: str, request: CloneRequest) -> Sequence[str | None]:
        """Copy live datapoints of any dataset into this one; return the copies' ids, None for unknown ones.

        Raises:
            RequestError: for what is no id.
        """
        store = self.opened(dataset_name)
        ids = canonical_ids(request.datapoint_ids, "datapoint_ids")
        rows = {row.id: row for row in await store.find(ids, is_live=True)}
        fresh = new_ids(len(ids))
        copies = {
            new_id: msgspec.structs.replace(rows[old_id], id=new_id, dataset_name=dataset_name)
            for old_id, new_id in zip(ids, fresh, strict=True)
            if old_id in rows
        }
        if copies:
            await store.write(list(copies.values()), at=await store.now())
        return [new_id if new_id in copies else None for new_id in fresh]

    async def count(self, dataset_name: str, function_name: str | None) -> int:
        """Return how many live datapoints a dataset has, of one function or all."""
        return await self.opened().count(dataset_name, function_name=function_name)

    async def datasets(
        self, function_name: str | None, *, limit: int | None, offset: int
    ) -> Sequence[Dataset]:
        """Return the datasets that have live datapoints, the one changed last first."""
        return await self.opened().datasets(function_name=function_name, limit=limit, offset=offset)

    def opened(self, dataset_name: str | None = None) -> Datapoints:
        """Return the store, once it is certain that the request may use it.

        Raises:
            RequestError: (or a relative) when it may not, or there is none.
        """
        if dataset_name is not None:
            check_dataset_name(dataset_name)
        if self._store is None:
            raise DatasetsDisabledError
        return self._store

    @staticmethod
    async def _live_rows(store: Datapoints, dataset_name: str, ids: Sequence[str]) -> Sequence[DatapointRow]:
        found = {row.id: row for row in await store.find(ids, dataset_name=dataset_name, is_live=True)}
        for wanted in ids:
            if wanted not in found:
                raise DatapointNotFoundError(dataset_name, wanted)
        return [found[wanted] for wanted in ids]


def new_ids(count: int) -> list[str]:
    """Make ids that stand in the order of their making also where their milliseconds are the same."""
    return sorted(new_uuid7() for _ in range(count))
