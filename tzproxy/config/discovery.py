"""Finds the configuration files that a glob pattern names.

Separators are literal: `*` and `?` never match `/`, `**` does. Must not: read the files. Cold.
"""

from __future__ import annotations

import os
import re

from tzproxy.errors import ConfigError

_SPECIAL = frozenset("*?[]{}")


def find_files(pattern: str) -> list[str]:
    """Return the matching files sorted by path; a file reached under two names counts once.

    Raises:
        ConfigError: when the pattern is malformed or matches nothing.
    """
    try:
        matcher = re.compile(translate_glob(pattern))
    except (ValueError, re.error) as exc:
        raise ConfigError([f"Error using glob: `{pattern}`: {exc}"]) from exc
    root = walk_root(pattern)
    found = [root] if os.path.isfile(root) else _walk(root)
    matches = sorted(path for path in found if matcher.fullmatch(path))
    unique = {os.path.realpath(path): path for path in reversed(matches)}
    if not unique:
        raise ConfigError(
            [
                f"Error using glob: `{pattern}`: No files matched the glob pattern. "
                "Ensure that the path exists, and contains at least one file."
            ]
        )
    return sorted(unique.values())


def walk_root(pattern: str) -> str:
    """Return the leading folders of the pattern that hold no special character, `.` if there are none."""
    plain: list[str] = []
    for part in pattern.split("/"):
        if _SPECIAL & set(part):
            break
        plain.append(part)
    if plain == [""]:
        return "/"
    return "/".join(plain) or "."


def _walk(root: str) -> list[str]:
    found = []
    for folder, _, names in os.walk(root):
        found += [os.path.join(folder, name) for name in names]
    # Below "." the pattern has no "./" in front.
    return [path.removeprefix("./") for path in found] if root == "." else found


def translate_glob(pattern: str) -> str:
    """Return the regular expression of a glob pattern.

    Raises:
        ValueError: for an open `[` or unbalanced `{}`.
    """
    result, index, depth = "", 0, 0
    while index < len(pattern):
        character = pattern[index]
        if character == "*":
            text, index = _translate_stars(pattern, index)
            result += text
            continue
        if character == "[":
            text, index = _translate_class(pattern, index)
            result += text
            continue
        index += 1
        if character == "?":
            result += "[^/]"
        elif character == "{":
            depth += 1
            result += "(?:"
        elif character == "}":
            depth -= 1
            result += ")"
        elif character == "," and depth:
            result += "|"
        elif character == "\\" and index < len(pattern):
            result += re.escape(pattern[index])
            index += 1
        else:
            result += re.escape(character)
        if depth < 0:
            raise ValueError("unopened alternate group; missing '{'")
    if depth:
        raise ValueError("unclosed alternate group; missing '}'")
    return result


def _translate_stars(pattern: str, start: int) -> tuple[str, int]:
    end = start
    while end < len(pattern) and pattern[end] == "*":
        end += 1
    alone = (start == 0 or pattern[start - 1] == "/") and (end == len(pattern) or pattern[end] == "/")
    if end - start != 2 or not alone:
        return "[^/]*", end
    if end == len(pattern):
        return ".*", end
    return "(?:[^/]+/)*", end + 1


def _translate_class(pattern: str, start: int) -> tuple[str, int]:
    first = start + 1
    negated = pattern[first : first + 1] in ("!", "^")
    first += negated
    end = pattern.find("]", first + 1)
    if end < 0:
        raise ValueError("unclosed character class; missing ']'")
    members = re.sub(r"([\\^\[&~|])", r"\\\1", pattern[first:end])
    if members.startswith("]"):
        members = "\\" + members
    return f"[{'^/' if negated else ''}{members}]", end + 1
