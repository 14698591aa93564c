from collections.abc import Collection, Sequence

from msgspec import Struct

class RowEncoder:
    def __init__(
        self,
        row: type[Struct],
        *,
        json_texts: Collection[str] = (),
        left_out: Collection[str] = (),
        written: Sequence[type[Struct]] = (),
    ) -> None: ...
    def encode(self, values: tuple[object, ...]) -> bytes: ...
