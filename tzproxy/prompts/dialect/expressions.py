"""From tokens to the expression nodes of jinja2.

Owns the grammar of expressions. It differs from jinja2's in tuples (they are lists), comparisons (they do not
chain), dotted names of filters and splats, hence a parser of its own. Not hot.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from jinja2 import nodes

from tzproxy.prompts.dialect.lexer import Lexer
from tzproxy.prompts.dialect.token_stream import TokenStream, failed

MAX_DEPTH = 150
"""How deeply statements and expressions may nest."""

SPLAT = "*"
KEYWORD_SPLAT = "**"

_CONSTANTS = {"true": True, "True": True, "false": False, "False": False, "none": None, "None": None}
_COMPARISONS = {"==": "eq", "!=": "ne", "<": "lt", "<=": "lteq", ">": "gt", ">=": "gteq"}
_SUMS: dict[str, type[nodes.BinExpr]] = {"+": nodes.Add, "-": nodes.Sub}
_PRODUCTS: dict[str, type[nodes.BinExpr]] = {
    "*": nodes.Mul,
    "/": nodes.Div,
    "//": nodes.FloorDiv,
    "%": nodes.Mod,
}
_POWERS: dict[str, type[nodes.BinExpr]] = {"**": nodes.Pow}
_ARGUMENT_STARTS = frozenset(("name", "string", "integer", "float", "+", "-", "[", "{"))
_NO_ARGUMENT = frozenset(("and", "or", "else", "is"))
_MAX_ARGUMENTS = 2000

_Result = TypeVar("_Result")


class ExpressionParser:
    """Recursive descent over the tokens of one template."""

    def __init__(self, source: str) -> None:
        self.stream = TokenStream(Lexer(source))
        self._depth = 0

    def nested(self, parse: Callable[[], _Result]) -> _Result:
        """Run a parsing step one level deeper."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise failed("template exceeds maximum recursion limits")
        result = parse()
        self._depth -= 1
        return result

    def parse_expression(self) -> nodes.Expr:
        """An expression, conditional ones included."""
        return self.nested(self._parse_conditional)

    def _parse_conditional(self) -> nodes.Expr:
        line = self.stream.last_line
        expression = self.parse_or()
        while self.stream.skip_word("if"):
            test = self.parse_or()
            otherwise = self._parse_conditional() if self.stream.skip_word("else") else None
            expression = nodes.CondExpr(test, expression, otherwise, lineno=line)
            line = self.stream.last_line
        return expression

    def parse_or(self) -> nodes.Expr:
        """An expression without `if`."""
        line = self.stream.line()
        left = self._parse_and()
        while self.stream.skip_word("or"):
            left = nodes.Or(left, self._parse_and(), lineno=line)
        return left

    def _parse_and(self) -> nodes.Expr:
        line = self.stream.line()
        left = self._parse_not()
        while self.stream.skip_word("and"):
            left = nodes.And(left, self._parse_not(), lineno=line)
        return left

    def _parse_not(self) -> nodes.Expr:
        line = self.stream.line()
        if self.stream.skip_word("not"):
            return nodes.Not(self._parse_not(), lineno=line)
        return self._parse_comparison()

    def _parse_comparison(self) -> nodes.Expr:
        line = self.stream.last_line
        left = self._parse_sum()
        while True:
            token = self.stream.peek()
            if token is None:
                return left
            negated = False
            if token.kind in _COMPARISONS:
                operator = _COMPARISONS[token.kind]
                self.stream.next()
            elif self.stream.skip_word("in"):
                operator = "in"
            elif self.stream.skip_word("not"):
                self.stream.expect_word("in", "in")
                operator, negated = "in", True
            else:
                return left
            left = nodes.Compare(left, [nodes.Operand(operator, self._parse_sum())], lineno=line)
            if negated:
                left = nodes.Not(left, lineno=line)
            line = self.stream.last_line

    def _parse_binary(
        self, operators: Mapping[str, type[nodes.BinExpr]], parse_operand: Callable[[], nodes.Expr]
    ) -> nodes.Expr:
        line = self.stream.line()
        left = parse_operand()
        while True:
            token = self.stream.peek()
            if token is None or token.kind not in operators:
                return left
            self.stream.next()
            left = operators[token.kind](left, parse_operand(), lineno=line)

    def _parse_sum(self) -> nodes.Expr:
        return self._parse_binary(_SUMS, self._parse_concatenation)

    def _parse_concatenation(self) -> nodes.Expr:
        line = self.stream.line()
        parts = [self._parse_product()]
        while self.stream.skip("~"):
            parts.append(self._parse_product())
        return nodes.Concat(parts, lineno=line) if len(parts) > 1 else parts[0]

    def _parse_product(self) -> nodes.Expr:
        return self._parse_binary(_PRODUCTS, self._parse_power)

    def _parse_power(self) -> nodes.Expr:
        return self._parse_binary(_POWERS, self._parse_unary)

    def _parse_unary(self) -> nodes.Expr:
        return self._parse_filters(self._parse_operand())

    def _parse_operand(self) -> nodes.Expr:
        line = self.stream.line()
        return self._parse_postfix(self._parse_negation(), line)

    def _parse_negation(self) -> nodes.Expr:
        line = self.stream.line()
        if self.stream.skip("-"):
            return nodes.Neg(self._parse_negation(), lineno=line)
        return self.nested(self._parse_primary)

    def _parse_primary(self) -> nodes.Expr:
        token = self.stream.next()
        if token is None:
            raise failed("unexpected end of input, expected expression")
        kind, value, line = token
        if kind == "name":
            if value in _CONSTANTS:
                return nodes.Const(_CONSTANTS[str(value)], lineno=line)
            return nodes.Name(value, "load", lineno=line)
        if kind == "string":
            parts = [str(value)]
            while self.stream.at("string"):
                following = self.stream.next()
                parts.append(str(following.value) if following else "")
            return nodes.Const("".join(parts), lineno=line)
        if kind in ("integer", "float"):
            return nodes.Const(value, lineno=line)
        if kind == "(":
            return self._parse_parenthesized(line)
        if kind == "[":
            return nodes.List(self._parse_items("]"), lineno=line)
        if kind == "{":
            return self._parse_map(line)
        raise failed(f"unexpected {token.described()}")

    def _parse_items(self, closing: str) -> list[nodes.Expr]:
        items: list[nodes.Expr] = []
        while not self.stream.skip(closing):
            if items:
                self.stream.expect(",")
                if self.stream.skip(closing):
                    break
            items.append(self.parse_expression())
        return items

    def _parse_map(self, line: int) -> nodes.Expr:
        pairs: list[nodes.Pair] = []
        while not self.stream.skip("}"):
            if pairs:
                self.stream.expect(",")
                if self.stream.skip("}"):
                    break
            key = self.parse_expression()
            self.stream.expect(":")
            pairs.append(nodes.Pair(key, self.parse_expression(), lineno=key.lineno))
        return nodes.Dict(pairs, lineno=line)

    def _parse_parenthesized(self, line: int) -> nodes.Expr:
        if self.stream.skip(")"):
            return nodes.List([], lineno=line)
        expression = self.parse_expression()
        if not self.stream.at(","):
            self.stream.expect(")")
            return expression
        items = [expression]
        while not self.stream.skip(")"):
            self.stream.expect(",")
            if self.stream.skip(")"):
                break
            items.append(self.parse_expression())
        return nodes.List(items, lineno=line)

    def _parse_postfix(self, expression: nodes.Expr, line: int) -> nodes.Expr:
        while True:
            next_line = self.stream.line()
            if self.stream.skip("."):
                expression = self._parse_attribute(expression, line)
            elif self.stream.skip("["):
                expression = self._parse_subscript(expression, line)
            elif self.stream.at("("):
                expression = nodes.Call(expression, self.parse_arguments(), [], None, None, lineno=line)
            else:
                return expression
            line = next_line

    def _parse_attribute(self, expression: nodes.Expr, line: int) -> nodes.Expr:
        token = self.stream.next()
        if token is None:
            raise failed("unexpected end of input, expected identifier or integer")
        if token.kind == "name":
            return nodes.Getattr(expression, token.value, "load", lineno=line)
        if token.kind == "integer":
            index = nodes.Const(token.value, lineno=token.line)
            return nodes.Getitem(expression, index, "load", lineno=line)
        raise failed(f"unexpected {token.described()}, expected identifier or integer")

    def _parse_subscript(self, expression: nodes.Expr, line: int) -> nodes.Expr:
        start = stop = step = None
        if not self.stream.at(":"):
            start = self.parse_expression()
        is_slice = self.stream.skip(":")
        if is_slice:
            if not self.stream.at("]", ":"):
                stop = self.parse_expression()
            if self.stream.skip(":") and not self.stream.at("]"):
                step = self.parse_expression()
        self.stream.expect("]")
        subscript = nodes.Slice(start, stop, step, lineno=line) if is_slice else start
        return nodes.Getitem(expression, subscript, "load", lineno=line)

    def parse_filter_name(self) -> tuple[str, int]:
        """Name of a filter or test, dots included, and its line."""
        token = self.stream.expect("name", "identifier")
        name = str(token.value)
        while self.stream.skip("."):
            name += f".{self.stream.expect('name', 'identifier').value}"
        return name, token.line

    def parse_filter(self, expression: nodes.Expr | None) -> nodes.Filter:
        """Name and arguments of a filter, after the bar."""
        name, line = self.parse_filter_name()
        arguments = self.parse_arguments() if self.stream.at("(") else []
        return nodes.Filter(expression, name, arguments, [], None, None, lineno=line)

    def _parse_filters(self, expression: nodes.Expr) -> nodes.Expr:
        while True:
            if self.stream.skip("|"):
                expression = self.parse_filter(expression)
            elif self.stream.skip_word("is"):
                expression = self._parse_test(expression)
            else:
                return expression

    def _parse_test(self, expression: nodes.Expr) -> nodes.Expr:
        negated = self.stream.skip_word("not")
        name, line = self.parse_filter_name()
        arguments: list[nodes.Expr] = []
        if self.stream.at("("):
            arguments = self.parse_arguments()
        elif self.stream.at(*_ARGUMENT_STARTS) and not self.stream.at_word(*_NO_ARGUMENT):
            arguments = [self._parse_operand()]
        expression = nodes.Test(expression, name, arguments, [], None, None, lineno=line)
        return nodes.Not(expression, lineno=line) if negated else expression

    def parse_arguments(self) -> list[nodes.Expr]:
        """Arguments of a call in their order.

        What is not positional is a `Keyword`: by its name, or by `SPLAT` or `KEYWORD_SPLAT`.
        """
        arguments: list[nodes.Expr] = []
        has_keywords = False
        self.stream.expect("(")
        while not self.stream.skip(")"):
            if arguments:
                self.stream.expect(",")
                if self.stream.skip(")"):
                    break
            splat = KEYWORD_SPLAT if self.stream.skip("**") else SPLAT if self.stream.skip("*") else ""
            value = self.parse_expression()
            if splat:
                arguments.append(_keyword(splat, value))
                has_keywords = has_keywords or splat == KEYWORD_SPLAT
            elif isinstance(value, nodes.Name) and self.stream.skip("="):
                arguments.append(_keyword(value.name, self.parse_or()))
                has_keywords = True
            elif has_keywords:
                raise failed("non-keyword arg after keyword arg")
            else:
                arguments.append(value)
            if len(arguments) > _MAX_ARGUMENTS:
                raise failed("Too many arguments in function call")
        return arguments


def _keyword(name: str, value: nodes.Expr) -> nodes.Expr:
    # jinja2 keeps keyword arguments apart; here their order among the splats matters.
    keyword: nodes.Expr = nodes.Keyword(name, value, lineno=value.lineno)  # type: ignore[assignment]
    return keyword
