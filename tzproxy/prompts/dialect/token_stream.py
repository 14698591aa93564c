"""The tokens of a template, one at a time.

Owns look-ahead and the wording of what was expected. Not hot.
"""

from __future__ import annotations

from collections.abc import Iterator

from tzproxy.prompts.dialect.failures import SYNTAX_ERROR, TemplateFailure
from tzproxy.prompts.dialect.lexer import Lexer, Token


def failed(detail: str) -> TemplateFailure:
    """A syntax error; the parser adds the place."""
    return TemplateFailure(SYNTAX_ERROR, detail)


class TokenStream:
    """Tokens with one token of look-ahead.

    A failure of the lexer shows when its place is reached, so that an error before it is reported first.
    """

    def __init__(self, lexer: Lexer) -> None:
        self._tokens: Iterator[Token] = lexer.tokens()
        self.last_line = 0
        self._failure: TemplateFailure | None = None
        self._current: Token | None = None
        self._fetch()

    def _fetch(self) -> None:
        try:
            self._current = next(self._tokens, None)
        except TemplateFailure as exc:
            self._current, self._failure = None, exc

    def peek(self) -> Token | None:
        """The next token, None at the end."""
        if self._failure is not None:
            raise self._failure
        return self._current

    def next(self) -> Token | None:
        """Take the next token, None at the end."""
        token = self.peek()
        if token is not None:
            self.last_line = token.line
            self._fetch()
        return token

    def expect(self, kind: str, expected: str | None = None) -> Token:
        """Take a token of this kind."""
        expected = expected or f"`{kind}`"
        token = self.next()
        if token is None:
            raise failed(f"unexpected end of input, expected {expected}")
        if token.kind != kind:
            raise failed(f"unexpected {token.described()}, expected {expected}")
        return token

    def expect_word(self, word: str, expected: str) -> None:
        """Take this very name."""
        token = self.next()
        if token is None:
            raise failed(f"unexpected end of input, expected {expected}")
        if token.kind != "name" or token.value != word:
            raise failed(f"unexpected {token.described()}, expected {expected}")

    def at(self, *kinds: str) -> bool:
        """Whether the next token is of one of these kinds."""
        token = self.peek()
        return token is not None and token.kind in kinds

    def at_word(self, *words: str) -> bool:
        """Whether the next token is one of these names."""
        token = self.peek()
        return token is not None and token.kind == "name" and token.value in words

    def skip(self, kind: str) -> bool:
        """Take the next token if it is of this kind."""
        found = self.at(kind)
        if found:
            self.next()
        return found

    def skip_word(self, *words: str) -> bool:
        """Take the next token if it is one of these names."""
        found = self.at_word(*words)
        if found:
            self.next()
        return found

    def line(self) -> int:
        """Line of the next token, of the last one at the end."""
        return self._current.line if self._current is not None else self.last_line
