"""The mark for "not given", where None already means "null". Cold."""

from __future__ import annotations

from typing import Any


class OmitType:
    """The type of `OMIT`. There is one instance in a process, also after copying and unpickling."""

    def __repr__(self) -> str:
        return "OMIT"

    def __reduce__(self) -> str:
        return "OMIT"

    def __copy__(self) -> OmitType:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> OmitType:
        return self


OMIT = OmitType()
"""A field that holds this is left out of the request: the server keeps what it has. None is sent as null."""
