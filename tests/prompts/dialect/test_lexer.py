"""Tokens: delimiters, white-space control, literals."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tzproxy.prompts.dialect.failures import TemplateFailure
from tzproxy.prompts.dialect.lexer import Lexer, unescape


def _tokens(source: str) -> list[tuple[str, object]]:
    return [(token.kind, token.value) for token in Lexer(source).tokens()]


@pytest.mark.parametrize(
    ("source", "data"),
    [
        ("a\n", "a"),
        ("a\r\n", "a"),
        ("a\n\n", "a\n"),
        ("a\r\nb\r\n\r\n", "a\r\nb\r\n"),
        ("a {#- x -#} b", "ab"),
        ("a {# x #} b", "a  b"),
        ("a{#-#} b", "a b"),
        ("{% raw %}{{ x }}{% endraw %}", "{{ x }}"),
        ("a {%- raw -%} {{ x }} {%- endraw -%} b", "a{{ x }}b"),
        ("{ { % }", "{ { % }"),
    ],
)
def test_text_around_tags(source: str, data: str) -> None:
    """One trailing newline goes, other line endings stay; signs at delimiters strip white space."""
    assert "".join(str(value) for kind, value in _tokens(source) if kind == "data") == data


def test_tokens_know_their_lines() -> None:
    """Each token carries the line that it starts on."""
    lines = [token.line for token in Lexer("a\n{{ b\n+ 'c\nd' }}\n{% if %}").tokens()]
    assert lines == [1, 2, 2, 3, 3, 4, 4, 5, 5, 5]


@pytest.mark.parametrize(
    ("literal", "kind", "value"),
    [
        ("0xFF", "integer", 255),
        ("0b11", "integer", 3),
        ("1_000", "integer", 1000),
        ("2.50", "float", 2.5),
        ("1e3", "float", 1000.0),
        ("'a\\'b'", "string", "a'b"),
        ('"a\nb"', "string", "a\nb"),
        ("_x9", "name", "_x9"),
    ],
)
def test_literals(literal: str, kind: str, value: object) -> None:
    """Numbers, texts and names are read as MiniJinja reads them."""
    assert _tokens("{{" + literal + "}}")[1] == (kind, value)


def test_closing_signs_inside_of_brackets_do_not_close() -> None:
    """`}}` ends a tag only where no bracket is open."""
    assert [kind for kind, _ in _tokens("{{ {'a': {}}}}")][-1] == "variable_end"


@pytest.mark.parametrize(
    ("escaped", "plain"),
    [
        ("\\n\\t\\\\\\/", "\n\t\\/"),
        ("\\x41\\101\\0", "AA\0"),
        ("\\ud83d\\ude00", "\U0001f600"),
        ("\\q", "\\q"),
    ],
)
def test_escapes(escaped: str, plain: str) -> None:
    """Known escapes are replaced, unknown ones stay."""
    assert unescape(escaped) == plain


@pytest.mark.parametrize("escaped", ["\\x4", "\\u12", "\\ud800", "\\777", "\\ud800x", "\\x\u0661\u0662"])
def test_escapes_of_no_character(escaped: str) -> None:
    """An escape that names no character fails."""
    with pytest.raises(TemplateFailure, match="bad string escape"):
        unescape(escaped)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.text(alphabet="{}%#-+ \n\r'\"\\ab1.x_[]()|,é", max_size=40))
def test_every_text_ends_in_tokens_or_a_syntax_error(source: str) -> None:
    """The lexer neither loops nor fails in another way, whatever it reads."""
    try:
        tokens = _tokens(source)
    except TemplateFailure:
        return
    assert all(kind for kind, _ in tokens)
