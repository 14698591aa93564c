"""From template text to tokens.

Owns delimiters, white-space control, literals and their escapes. jinja2's own lexer is not used because it
rewrites line endings and knows other literals. Not hot: templates are read once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tzproxy.prompts.dialect.failures import BAD_ESCAPE, SYNTAX_ERROR, TemplateFailure

WHITE_SPACE = (
    "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
"""What Unicode calls white space; `str.isspace` counts four control characters more."""

MAX_INTEGER = 2**128 - 1
"""Largest integer literal."""

_START = re.compile(r"\{([{%#])([-+]?)")
_RAW = re.compile(r"[ \t\n\x0c\r]*raw[ \t\n\x0c\r]*([-+]?)%\}")
_END_RAW = re.compile(r"\{%([-+]?)[ \t\n\x0c\r]*endraw[ \t\n\x0c\r]*([-+]?)%\}")
_TAG_SPACE = re.compile(r"[ \t\n\x0c\r]+")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NUMBER_START = re.compile(r"0[bB]|0[oO]|0[xX]")
_OPERATORS = ("//", "**", "==", "!=", ">=", "<=", *"+-*/%.,:~|=><()[]{}")
_BALANCE = {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}
_RADIX = {"b": 2, "o": 8, "x": 16}

_NAMES = {
    "variable_end": "end of variable block",
    "block_begin": "start of block",
    "block_end": "end of block",
    "name": "identifier",
    "string": "string",
    "integer": "integer",
    "float": "float",
}


class Token(NamedTuple):
    """One token. `kind` is a word for literals and delimiters, the operator itself for operators."""

    kind: str
    value: str | int | float
    line: int

    def described(self) -> str:
        """How failures call the token."""
        return _NAMES.get(self.kind) or f"`{self.kind}`"


class Lexer:
    """Walks through one template."""

    def __init__(self, source: str) -> None:
        if source.endswith("\n"):
            source = source[:-1]
        if source.endswith("\r"):
            source = source[:-1]
        self._source = source
        self._position = 0
        self._line = 1
        self._balance = 0
        self._trim = False

    def tokens(self) -> Iterator[Token]:
        """Every token in turn.

        Raises:
            TemplateFailure: At the first thing that is no token.
        """
        while self._position < len(self._source):
            yield from self._data()

    def _advance(self, length: int) -> str:
        start = self._position
        self._position = start + length
        skipped = self._source[start : self._position]
        self._line += skipped.count("\n")
        return skipped

    def _failure(self, detail: str) -> TemplateFailure:
        return TemplateFailure(SYNTAX_ERROR, detail, line=self._line)

    def _data(self) -> Iterator[Token]:
        """Text up to the next delimiter, then what the delimiter opens."""
        if self._trim:
            self._trim = False
            self._skip_white_space()
        line = self._line
        start = _START.search(self._source, self._position)
        data = self._advance((start.start() if start else len(self._source)) - self._position)
        if start is not None and start[2] == "-":
            data = data.rstrip(WHITE_SPACE)
        if data:
            yield Token("data", data, line)
        if start is None:
            return
        if start[1] == "#":
            self._comment(start)
        elif start[1] == "{":
            yield from self._tag(start, "variable_begin", "variable_end", "}}")
        else:
            raw = _RAW.match(self._source, start.end())
            if raw is None:
                yield from self._tag(start, "block_begin", "block_end", "%}")
            else:
                yield from self._raw(start, raw)

    def _skip_white_space(self) -> None:
        rest = self._source[self._position :]
        self._advance(len(rest) - len(rest.lstrip(WHITE_SPACE)))

    def _comment(self, start: re.Match[str]) -> None:
        end = self._source.find("#}", start.end())
        if end < 0:
            self._advance(len(self._source) - self._position)
            raise self._failure("unexpected end of comment")
        self._trim = end > start.end() and self._source[end - 1] == "-"
        self._advance(end + 2 - self._position)

    def _raw(self, start: re.Match[str], raw: re.Match[str]) -> Iterator[Token]:
        self._advance(raw.end() - start.start())
        line = self._line
        end = _END_RAW.search(self._source, self._position)
        if end is None:
            self._advance(len(self._source) - self._position)
            raise self._failure("unexpected end of raw block")
        data = self._advance(end.start() - self._position)
        self._advance(end.end() - end.start())
        if raw[1] == "-":
            data = data.lstrip(WHITE_SPACE)
        if end[1] == "-":
            data = data.rstrip(WHITE_SPACE)
        self._trim = end[2] == "-"
        yield Token("data", data, line)

    def _tag(self, start: re.Match[str], begin: str, end: str, closing: str) -> Iterator[Token]:
        yield Token(begin, "", self._line)
        self._advance(start.end() - start.start())
        source = self._source
        while self._position < len(source):
            space = _TAG_SPACE.match(source, self._position)
            if space is not None:
                self._advance(space.end() - space.start())
                continue
            position = self._position
            if self._balance == 0:
                sign = source[position] if source[position] in "-+" else ""
                if source.startswith(closing, position + len(sign)):
                    line = self._line
                    self._advance(len(sign) + 2)
                    self._trim = sign == "-"
                    yield Token(end, "", line)
                    return
            yield self._inner()

    def _inner(self) -> Token:
        position = self._position
        source = self._source
        line = self._line
        for operator in _OPERATORS:
            if source.startswith(operator, position):
                self._balance += _BALANCE.get(operator, 0)
                self._advance(len(operator))
                return Token(operator, operator, line)
        char = source[position]
        if char in "'\"":
            return self._string(char)
        if char in "0123456789":
            return self._number()
        name = _NAME.match(source, position)
        if name is None:
            raise self._failure("unexpected character")
        return Token("name", self._advance(len(name[0])), line)

    def _string(self, delimiter: str) -> Token:
        line = self._line
        found = re.compile(rf"{delimiter}((?:[^\\{delimiter}]|\\.)*){delimiter}", re.DOTALL).match(
            self._source, self._position
        )
        if found is None:
            self._advance(len(self._source) - self._position)
            raise self._failure("unexpected end of string")
        self._advance(found.end() - found.start())
        return Token("string", unescape(found[1]), line)

    def _number(self) -> Token:
        line = self._line
        radix = 10
        if _NUMBER_START.match(self._source, self._position):
            radix = _RADIX[self._advance(2)[1].lower()]
        digits, is_float = self._digits(radix)
        self._advance(len(digits))
        if digits.endswith("_"):
            raise self._failure("'_' may not occur at end of number")
        digits = digits.replace("_", "")
        try:
            if is_float:
                return Token("float", float(digits), line)
            number = int(digits, radix)
        except ValueError:
            raise self._failure("invalid float" if is_float else "invalid integer (too large)") from None
        if number > MAX_INTEGER:
            raise self._failure("invalid integer (too large)")
        return Token("integer", number, line)

    def _digits(self, radix: int) -> tuple[str, bool]:
        """The characters of a number, and whether they make it a float."""
        source = self._source
        begin = end = self._position
        state = "integer" if radix == 10 else "radix"
        while end < len(source):
            char = source[end]
            if char in "0123456789_":
                state = "signed" if state == "exponent" and char != "_" else state
            elif char == "." and state == "integer":
                state = "fraction"
            elif char in "eE" and state in ("integer", "fraction"):
                state = "exponent"
            elif char in "+-" and state == "exponent":
                state = "signed"
            elif not (radix == 16 and char in "abcdefABCDEF"):
                break
            end += 1
        return source[begin:end], state not in ("integer", "radix")


_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{0,4})|x(.{0,2})|([0-7]{1,3})|(.))", re.DOTALL)
_SIMPLE_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", **{char: char for char in "\"\\/'"}}


def unescape(literal: str) -> str:
    """Replace the escapes of a string literal. Unknown ones stay as they are.

    Raises:
        TemplateFailure: A hexadecimal or octal escape that names no character.
    """
    if "\\" not in literal:
        return literal
    units = _ESCAPE.sub(_unescaped, literal)
    try:
        # Two escapes may have named the halves of one character.
        return units.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise TemplateFailure(BAD_ESCAPE) from None


def _unescaped(escape: re.Match[str]) -> str:
    unit, byte, octal, other = escape.groups()
    if other is not None:
        return _SIMPLE_ESCAPES.get(other, escape[0])
    digits, base, length = (unit, 16, 4) if unit is not None else (byte, 16, 2)
    if octal is not None:
        digits, base, length = octal, 8, len(octal)
    try:
        code = int(digits, base) if len(digits) == length and digits.isascii() and digits.isalnum() else -1
    except ValueError:
        code = -1
    if code < 0 or (unit is None and code > 255):
        raise TemplateFailure(BAD_ESCAPE)
    return chr(code)
