"""The dot of regular expressions, spelled out. Cold.

In the original a dot is everything but a line feed, and everything with the flag `s`. Newer releases of the
engine give it JavaScript's meaning, which excludes four line ends, whatever the flags say.
"""

from __future__ import annotations

import re

_PIECE = re.compile(r"\\.|\(\?(?P<on>[A-Za-z]*)(?:-(?P<off>[A-Za-z]+))?(?P<end_of_flags>[:)])|.", re.DOTALL)


def spell_dots(pattern: str) -> str:
    """Return a pattern whose dots say what they take."""
    pieces: list[str] = []
    is_inside = False
    # Whether a dot takes line feeds too: by group, the innermost last.
    dot_alls = [False]
    for found in _PIECE.finditer(pattern):
        piece = found[0]
        if is_inside or piece == "[":
            is_inside = piece != "]"
        elif found["end_of_flags"] is not None:
            is_dot_all = "s" not in (found["off"] or "") and ("s" in found["on"] or dot_alls[-1])
            if found["end_of_flags"] == ":":
                dot_alls.append(is_dot_all)
            else:
                dot_alls[-1] = is_dot_all
        elif piece == "(":
            dot_alls.append(dot_alls[-1])
        elif piece == ")" and len(dot_alls) > 1:
            dot_alls.pop()
        elif piece == ".":
            piece = r"[\s\S]" if dot_alls[-1] else r"[^\n]"
        pieces.append(piece)
    return "".join(pieces)
