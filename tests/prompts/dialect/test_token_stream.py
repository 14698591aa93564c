"""Look-ahead over tokens."""

from __future__ import annotations

import pytest

from tzproxy.prompts.dialect.failures import TemplateFailure
from tzproxy.prompts.dialect.lexer import Lexer
from tzproxy.prompts.dialect.token_stream import TokenStream


def test_what_was_expected_is_named() -> None:
    """A wrong token and the end of the text are described in words."""
    stream = TokenStream(Lexer("{{ a"))
    assert stream.skip("variable_begin")
    with pytest.raises(TemplateFailure, match="unexpected identifier, expected `\\)`"):
        stream.expect(")")
    with pytest.raises(TemplateFailure, match="unexpected end of input, expected in"):
        stream.expect_word("in", "in")


def test_failure_of_the_lexer_waits_for_its_turn() -> None:
    """What cannot be read is reported when it is reached, not one token earlier."""
    stream = TokenStream(Lexer("{{ a $"))
    assert stream.skip("variable_begin")
    assert stream.skip_word("b", "a")
    with pytest.raises(TemplateFailure, match="unexpected character"):
        stream.next()


def test_lines_at_the_end() -> None:
    """After the last token the line is that of the last token."""
    stream = TokenStream(Lexer("x\n{{ a }}"))
    while stream.next() is not None:
        pass
    assert stream.line() == stream.last_line == 2
    assert not stream.at("name")
    assert not stream.at_word("a")
