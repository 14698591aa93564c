"""Brings the bytes of an inference's files, and keeps them. Only requests with files come here.

A model that takes addresses gets the address; for any other the file is fetched before the request is
built, once for all attempts. What the store keeps (the type, the hash in the pointer) needs the bytes of
every file: they are brought after the answer, in the background unless rows are written synchronously.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import re
from collections.abc import Callable, Coroutine, Iterable, Mapping

import msgspec
from msgspec import Struct

from tzproxy.config.environment import Environment
from tzproxy.errors import TzproxyError
from tzproxy.inference.files.read import FileStore, ReadFile, pointer_to
from tzproxy.inference.files.remote import Budget, FetchedFile, Fetcher, FileFetchError, loggable
from tzproxy.inference.files.storage import ObjectStorage, ObjectStoreError, open_storage
from tzproxy.types.content import File, Message, StoredFile, StoredInput
from tzproxy.types.model import ModelRequest
from tzproxy.types.request import StorageKind, StoragePath

logger = logging.getLogger(__name__)
Position = tuple[int, int]
Open = Callable[[StorageKind, Environment], ObjectStorage]
DRAIN_S = 20.0
ENCODE_ELSEWHERE_BYTES = 256 * 1024
OTHERS_KEY = re.compile(r"(?:[^/]+/)*observability/files/[0-9a-f]{64}(?:\.\w+)?")
"""Keys that may be read from a storage other than the configured one: those that gateways write."""


class OpenedObject(Struct, frozen=True):
    """An object as base64 text. `is_own`: it came from the configured storage."""

    data: str
    is_own: bool


class FileKeeper:
    """Fetches, re-reads and stores files. One per gateway."""

    def __init__(
        self,
        store: FileStore,
        fetcher: Callable[[], Fetcher],
        environment: Environment,
        *,
        records: bool = True,
        open_one: Open = open_storage,
    ) -> None:
        """Open nothing yet.

        Args:
            store: the configuration.
            fetcher: makes what brings remote files; called when the first one is wanted.
            environment: where the storage's credentials come from.
            records: whether rows are recorded at all; if not, nothing is stored.
            open_one: opens a storage.
        """
        self.store = store
        self._make_fetcher = fetcher
        self._fetcher: Fetcher | None = None
        self.records = records
        self._environment = environment
        self._open = open_one
        self._own: ObjectStorage | None = None
        self._running: set[asyncio.Task[None]] = set()

    def begin(self, stored: StoredInput, files: Mapping[Position, ReadFile]) -> InferenceFiles | None:
        """Take over the files of one inference; None when there is nothing to do for them."""
        if (self.store.keeps and self.records) or any(file.is_elsewhere for file in files.values()):
            return InferenceFiles(self, stored, files)
        return None

    def own(self) -> ObjectStorage:
        """Return the configured storage, opened.

        Raises:
            TzproxyError: when there is none, or it cannot be opened.
        """
        if self._own is None:
            self._own = self._open(self.store.home, self._environment)
        return self._own

    def fetcher(self) -> Fetcher:
        """Return what brings remote files."""
        if self._fetcher is None:
            self._fetcher = self._make_fetcher()
        return self._fetcher

    async def read_object(self, place: StoragePath, budget: Budget) -> OpenedObject:
        """Read an object from where its pointer says.

        Raises:
            TzproxyError: when the storage keeps nothing, may not be read, or has no such object.
        """
        is_own = place.kind == self.store.home
        if is_own:
            storage = self.own()
        else:
            self._check_other(place)
            storage = self._open(place.kind, self._environment)
        data = await storage.get(place.path, limit_bytes=max(0, budget.left))
        budget.take(len(data))
        return OpenedObject(await _encoded(data), is_own)

    def _check_other(self, place: StoragePath) -> None:
        """Refuse to read just any file, or to talk to just any server, for whoever asks."""
        kind = place.kind
        if kind.type == "disabled":
            return
        home = self.store.home
        if kind.endpoint not in (None, home.endpoint) and not self._environment.allow_private_file_urls:
            raise ObjectStoreError(
                "Internal error: Error getting object: the endpoint is not the configured one"
            )
        if not OTHERS_KEY.fullmatch(place.path):
            raise ObjectStoreError(
                "Internal error: Error getting object: of storages that are not configured, only keys of "
                "the form `observability/files/HASH.EXTENSION` are read"
            )

    def later(self, work: Coroutine[None, None, None]) -> None:
        """Run something in the background; `close` waits for it."""
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and task.exception() is not None:
            logger.error("files of an inference could not be kept", exc_info=task.exception())

    async def close(self) -> None:
        """Finish what runs in the background, then let go of connections."""
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=DRAIN_S)
            for task in late:
                logger.error("files of an inference are given up: the gateway ends")
                task.cancel()
        if self._fetcher is not None:
            await self._fetcher.close()


class InferenceFiles:
    """The files of one inference. Attempts that run side by side share what has been brought."""

    __slots__ = ("_brought", "_budget", "_files", "_keeper", "_lock", "_stored")

    def __init__(self, keeper: FileKeeper, stored: StoredInput, files: Mapping[Position, ReadFile]) -> None:
        self._keeper = keeper
        self._stored = stored
        self._files = files
        self._brought: dict[str, FetchedFile | OpenedObject | TzproxyError] = {}
        self._budget = Budget()
        self._lock = asyncio.Lock()

    @property
    def waits(self) -> bool:
        """Whether the rows need bytes that are not here yet."""
        return any(file.file.url is not None for file in self._files.values())

    async def record(self, accept: Callable[[], int]) -> int:
        """Hand over the rows with complete pointers, and store the bytes; return where the rows are.

        Args:
            accept: hands the rows over.
        """
        await self.settle(strict=False)
        position = accept()
        await self.upload()
        return position

    def record_later(self, accept: Callable[[], int]) -> None:
        """Do the same in the background; the rows go at once if they wait for no bytes."""
        if not self._keeper.records:
            accept()
        elif self.waits:
            self._keeper.later(self._record(accept))
        else:
            accept()
            self._keeper.later(self.upload())

    async def _record(self, accept: Callable[[], int]) -> None:
        await self.record(accept)

    async def ready(self, request: ModelRequest, forwards: Callable[[File], bool]) -> ModelRequest:
        """Return the request with the bytes of every file that the provider does not fetch itself.

        Raises:
            TzproxyError: when a file cannot be had.
        """
        elsewhere = {id(file.file): file for file in self._files.values() if file.is_elsewhere}
        wanted: dict[int, ReadFile] = {}
        for message in request.messages:
            for block in message.content:
                file = elsewhere.get(id(block))
                if file is not None and not self._may_forward(file.file, forwards):
                    wanted[id(block)] = file
        if not wanted:
            return request
        await self._bring(wanted.values())
        whole = {key: self._with_bytes(file) for key, file in wanted.items()}
        return msgspec.structs.replace(
            request,
            messages=[
                Message(message.role, [whole.get(id(block), block) for block in message.content])
                for message in request.messages
            ],
        )

    def _may_forward(self, file: File, forwards: Callable[[File], bool]) -> bool:
        return file.url is not None and not self._keeper.store.fetch_first and forwards(file)

    async def settle(self, *, strict: bool) -> None:
        """Complete the pointers in the input with what only the bytes tell.

        A file that cannot be had keeps the pointer to its address: the inference is recorded all the same.

        Raises:
            TzproxyError: when a file cannot be had and `strict` is set.
        """
        remote = {at: file for at, file in self._files.items() if file.file.url is not None}
        await self._bring(remote.values())
        for (message, block), file in remote.items():
            try:
                whole = self._with_bytes(file)
            except TzproxyError as exc:
                if strict:
                    raise
                logger.error("An inference is recorded without one of its files: %s", loggable(exc))
                continue
            mime_type = whole.mime_type or file.stored.mime_type
            pointer = pointer_to(whole.data or "", mime_type, self._keeper.store.home)
            kept = StoredFile(file.file.url, mime_type, pointer, whole.detail, whole.filename)
            self._stored.messages[message].content[block] = kept

    async def upload(self) -> None:
        """Store the bytes that are at hand; what cannot be stored is logged."""
        if self._keeper.store.keeps:
            await asyncio.gather(*(self._upload(at, file) for at, file in self._files.items()))

    async def _upload(self, at: Position, file: ReadFile) -> None:
        found = None if file.file.data is not None else self._brought.get(source_of(file))
        if isinstance(found, TzproxyError) or isinstance(found, OpenedObject) and found.is_own:
            return
        data = file.file.data if found is None else found.data
        if data is None:
            return
        kept = self._stored.messages[at[0]].content[at[1]]
        assert isinstance(kept, StoredFile)
        key = msgspec.json.decode(kept.storage_path, type=StoragePath).path
        try:
            await self._keeper.own().put_new(key, await _decoded(data))
        except ValueError as exc:
            logger.error("A file is not stored (%s): Failed to decode file as base64: %s", key, exc)
        except TzproxyError as exc:
            logger.error("A file is not stored: %s", exc.message)

    async def _bring(self, files: Iterable[ReadFile]) -> None:
        async with self._lock:
            missing = {source_of(file): file for file in files if source_of(file) not in self._brought}
            results = await asyncio.gather(*(self._load(file) for file in missing.values()))
            self._brought.update(zip(missing, results, strict=True))

    async def _load(self, file: ReadFile) -> FetchedFile | OpenedObject | TzproxyError:
        try:
            if file.file.url is not None:
                return await self._keeper.fetcher().fetch(file.file.url, self._budget)
            assert file.place is not None
            return await self._keeper.read_object(file.place, self._budget)
        except TzproxyError as exc:
            return exc

    def _with_bytes(self, file: ReadFile) -> File:
        """Return a brought file as one with data.

        Raises:
            TzproxyError: what bringing it failed with, or FileFetchError when nobody knows its type.
        """
        found = self._brought[source_of(file)]
        if isinstance(found, TzproxyError):
            raise found
        block = file.file
        mime_type = block.mime_type
        if mime_type is None and isinstance(found, FetchedFile):
            if found.mime_type is None:
                raise FileFetchError(block.url or "", found.untold)
            mime_type = found.mime_type
        return File(data=found.data, mime_type=mime_type, detail=block.detail, filename=block.filename)


def source_of(file: ReadFile) -> str:
    """Name where a file's bytes come from: files with the same source are brought once."""
    return file.file.url or bytes(file.stored.storage_path).decode()


async def _encoded(data: bytes) -> str:
    if len(data) > ENCODE_ELSEWHERE_BYTES:
        return await asyncio.to_thread(lambda: base64.b64encode(data).decode("ascii"))
    return base64.b64encode(data).decode("ascii")


async def _decoded(data: str) -> bytes:
    if len(data) > ENCODE_ELSEWHERE_BYTES:
        return await asyncio.to_thread(base64.b64decode, data, validate=True)
    return base64.b64decode(data, validate=True)
