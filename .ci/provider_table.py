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

BEGIN = "<!-- providers: begin (make fix writes this) -->"
END = "<!-- providers: end -->"
HEAD = (
    "provider type",
    "tools",
    '`json_mode = "strict"` becomes',
    "images",
    "files",
    "audio",
    "reasoning: out / back in",
)


def line(known: Capabilities) -> tuple[str, ...]:
    """Return the cells of one provider type."""
    images = {"no": "no", "yes": "yes", "detail": "yes, with `detail`"}[known.images]
    thoughts = f"{'yes' if known.thoughts_out else 'no'} / {known.thoughts_in}"
    return (f"`{known.type}`", known.tools, known.json, images, known.files, known.audio, thoughts)


def missing_types() -> list[str]:
    """Return the provider types that a configuration may name and this version cannot call."""
    tags = [str(kind.__struct_config__.tag) for kind in get_args(ProviderConfig)]
    return sorted(set(tags) - {name for name, known in CAPABILITIES.items() if known.is_built})


def render() -> str:
    """Return the table and the line below it."""
    rows = [HEAD, ("---",) * len(HEAD)]
    rows += [line(known) for _, known in sorted(CAPABILITIES.items()) if known.is_built]
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in rows)
    missing = ", ".join(f"`{name}`" for name in missing_types())
    return f"{table}\n\nNot yet: {missing}. They load and validate; a request that needs one is refused.\n"


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
