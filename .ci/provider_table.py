"""Writes the table of providers into the README, from what the code says of itself.

`python .ci/provider_table.py` prints it, `--write FILE` replaces what stands between the markers there.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import get_args

from tzproxy.config.providers import ProviderConfig
from tzproxy.providers.capabilities import CAPABILITIES, Capabilities
from tzproxy.providers.registry import _BUILDERS

BEGIN = "<!-- providers: begin (make fix writes this) -->"
END = "<!-- providers: end -->"
HEAD = (
    "provider type",
    "tools",
    "streamed calls",
    'JSON: `"on"` / `"strict"`',
    "images",
    "files",
    "audio",
    "reasoning: out / back in",
    "embeddings",
    "batches",
)


def line(known: Capabilities) -> tuple[str, ...]:
    """Return the cells of one provider type."""
    images = {"no": "no", "yes": "yes", "detail": "yes, with `detail`"}[known.images]
    thoughts = f"{'yes' if known.thoughts_out else 'no'} / {known.thoughts_in}"
    return (
        f"`{known.type}`",
        known.tools,
        known.streamed_tools,
        f"{known.json_on} / {known.json}",
        images,
        known.files,
        known.audio,
        thoughts,
        "yes" if known.embeddings else "no",
        "yes" if known.batches else "no",
    )


def types_without_a_line() -> tuple[list[str], list[str]]:
    """Return the configurable types that have no line: those that can be called, and those that cannot."""
    lines = {name for name, known in CAPABILITIES.items() if known.is_built}
    built: list[str] = []
    missing: list[str] = []
    for kind in get_args(ProviderConfig):
        name = str(kind.__struct_config__.tag)
        if name not in lines:
            (built if kind in _BUILDERS else missing).append(name)
    return sorted(built), sorted(missing)


def render() -> str:
    """Return the table and the lines below it."""
    rows = [HEAD, ("---",) * len(HEAD)]
    rows += [line(known) for _, known in sorted(CAPABILITIES.items()) if known.is_built]
    parts = ["All of them chat, whole and streamed.", "\n".join(f"| {' | '.join(cells)} |" for cells in rows)]
    built, missing = (", ".join(f"`{name}`" for name in names) for names in types_without_a_line())
    if built:
        parts.append(f"Built too, with a protocol of their own: {built}.")
    if missing:
        parts.append(f"Not yet: {missing}. They load and validate; a request that needs one is refused.")
    return "\n\n".join(parts) + "\n"


def replaced(text: str) -> str:
    """Return a document with the table between its markers."""
    before, _, rest = text.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        sys.exit(f"there are no markers {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{render()}\n{END}{after}"


def main() -> None:
    """Print or write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", type=Path, metavar="FILE")
    options = parser.parse_args()
    if options.write is None:
        sys.stdout.write(render())
    else:
        options.write.write_text(replaced(options.write.read_text()))


if __name__ == "__main__":
    main()
