"""From template text to the syntax tree of jinja2.

Owns the grammar of statements. Not hot: templates are read once.
"""

from __future__ import annotations

from collections.abc import Callable

from jinja2 import nodes

from tzproxy.prompts.dialect.expressions import ExpressionParser
from tzproxy.prompts.dialect.failures import TemplateFailure
from tzproxy.prompts.dialect.token_stream import failed

_RESERVED = frozenset(("true", "True", "false", "False", "none", "None", "loop", "self"))


def parse_template(source: str, name: str) -> nodes.Template:
    """Parse a whole template.

    Raises:
        TemplateFailure: It is no template; name and line are set.
    """
    parser = _Parser(source)
    try:
        return nodes.Template(parser.parse_body(), lineno=1)
    except TemplateFailure as exc:
        exc.name = name
        if exc.line is None:
            exc.line = parser.stream.last_line
        raise
    except RecursionError:
        failure = failed("template exceeds maximum recursion limits")
        failure.name, failure.line = name, parser.stream.last_line
        raise failure from None


class _Parser(ExpressionParser):
    """Recursive descent over statements."""

    def __init__(self, source: str) -> None:
        super().__init__(source)
        self._in_loop = False
        self._in_macro = False
        self._blocks: set[str] = set()
        self._statements: dict[str, Callable[[int], nodes.Stmt]] = {
            "autoescape": self._parse_autoescape,
            "block": self._parse_block,
            "break": self._parse_break,
            "call": self._parse_call,
            "continue": self._parse_continue,
            "do": self._parse_do,
            "extends": self._parse_extends,
            "filter": self._parse_filter_block,
            "for": self._parse_for,
            "from": self._parse_from,
            "if": self._parse_if,
            "import": self._parse_import,
            "include": self._parse_include,
            "macro": self._parse_macro,
            "set": self._parse_set,
            "with": self._parse_with,
        }

    def parse_body(self, *ends: str) -> list[nodes.Node]:
        """Everything up to one of the named tags, which stays in the stream; to the end if it never comes."""
        body: list[nodes.Node] = []
        while (token := self.stream.next()) is not None:
            if token.kind == "data":
                body.append(
                    nodes.Output([nodes.TemplateData(token.value, lineno=token.line)], lineno=token.line)
                )
            elif token.kind == "variable_begin":
                expression = self.parse_expression()
                body.append(nodes.Output([expression], lineno=expression.lineno))
                self.stream.expect("variable_end", "end of variable block")
            else:
                if self.stream.peek() is None:
                    raise failed("unexpected end of input, expected keyword")
                if self.stream.at_word(*ends):
                    return body
                body.append(self.nested(self._parse_statement))
                self._end_tag()
        return body

    def _end_tag(self) -> None:
        self.stream.expect("block_end", "end of block")

    def _parse_statement(self) -> nodes.Stmt:
        token = self.stream.next()
        if token is None:
            raise failed("unexpected end of input, expected block keyword")
        if token.kind != "name":
            raise failed(f"unknown {token.described()}, expected statement")
        parse = self._statements.get(str(token.value))
        if parse is None:
            raise failed(f"unknown statement {token.value}")
        return parse(token.line)

    def _parse_enclosed(self, *ends: str) -> list[nodes.Node]:
        """The body of a statement whose opening tag is about to end; the closing name is taken."""
        self._end_tag()
        body = self.parse_body(*ends)
        self.stream.next()
        return body

    # ---- assignment

    def _parse_target_name(self, *, dotted: bool = False) -> nodes.Expr:
        token = self.stream.expect("name", "identifier")
        if token.value in _RESERVED:
            raise failed(f"cannot assign to reserved variable name {token.value}")
        target: nodes.Expr = nodes.Name(token.value, "store", lineno=token.line)
        while dotted and self.stream.skip("."):
            attribute = self.stream.expect("name", "identifier")
            target = nodes.Getattr(target, attribute.value, "store", lineno=attribute.line)
        return target

    def _parse_target(self, *, dotted: bool = False) -> nodes.Expr:
        line = self.stream.line()
        items: list[nodes.Expr] = []
        is_list = False
        while True:
            if items:
                self.stream.expect(",")
            if self.stream.at(")", "variable_end", "block_end") or self.stream.at_word("in"):
                break
            if self.stream.skip("("):
                items.append(self._parse_target(dotted=dotted))
                self.stream.expect(")")
            else:
                items.append(self._parse_target_name(dotted=dotted))
            if not self.stream.at(","):
                break
            is_list = True
        if not is_list and len(items) == 1:
            return items[0]
        return nodes.List(items, lineno=line)

    def _parse_set(self, line: int) -> nodes.Stmt:
        target = self._parse_target(dotted=True)
        if self.stream.at("block_end", "|"):
            filters = self._parse_filter_chain() if self.stream.skip("|") else None
            return nodes.AssignBlock(target, filters, self._parse_enclosed("endset"), lineno=line)
        self.stream.expect("=", "assignment operator")
        value = self.parse_expression()
        if self.stream.skip(","):
            list_line = self.stream.line()
            items = [value]
            while not self.stream.at("block_end"):
                items.append(self.parse_expression())
                if not self.stream.skip(","):
                    break
            value = nodes.List(items, lineno=list_line)
        return nodes.Assign(target, value, lineno=line)

    def _parse_with(self, line: int) -> nodes.Stmt:
        targets: list[nodes.Expr] = []
        values: list[nodes.Expr] = []
        while not self.stream.at("block_end"):
            if targets:
                self.stream.expect(",", "comma")
            if self.stream.skip("("):
                target = self._parse_target()
                self.stream.expect(")")
            else:
                target = self._parse_target_name()
            self.stream.expect("=", "assignment operator")
            targets.append(target)
            values.append(self.parse_expression())
        return nodes.With(targets, values, self._parse_enclosed("endwith"), lineno=line)

    # ---- control flow

    def _parse_for(self, line: int) -> nodes.Stmt:
        was_in_loop, self._in_loop = self._in_loop, True
        target = self._parse_target()
        self.stream.expect_word("in", "in")
        items = self.parse_or()
        test = self.parse_expression() if self.stream.skip_word("if") else None
        recursive = self.stream.skip_word("recursive")
        self._end_tag()
        body = self.parse_body("endfor", "else")
        otherwise: list[nodes.Node] = []
        if self.stream.skip_word("else"):
            otherwise = self._parse_enclosed("endfor")
        else:
            self.stream.next()
        self._in_loop = was_in_loop
        return nodes.For(target, items, body, otherwise, test, recursive, lineno=line)

    def _parse_break(self, line: int) -> nodes.Stmt:
        if not self._in_loop:
            raise failed("'break' must be placed inside a loop")
        return nodes.Break(lineno=line)

    def _parse_continue(self, line: int) -> nodes.Stmt:
        if not self._in_loop:
            raise failed("'continue' must be placed inside a loop")
        return nodes.Continue(lineno=line)

    def _parse_if(self, line: int) -> nodes.Stmt:
        test = self.parse_or()
        self._end_tag()
        body = self.parse_body("endif", "else", "elif")
        end = self.stream.next()
        otherwise: list[nodes.Node] = []
        if end is not None and end.value == "else":
            otherwise = self._parse_enclosed("endif")
        elif end is not None and end.value == "elif":
            otherwise = [self._parse_if(end.line)]
        return nodes.If(test, body, [], otherwise, lineno=line)

    def _parse_autoescape(self, line: int) -> nodes.Stmt:
        mode = nodes.Keyword("autoescape", self.parse_expression(), lineno=line)
        return nodes.ScopedEvalContextModifier([mode], self._parse_enclosed("endautoescape"), lineno=line)

    def _parse_do(self, line: int) -> nodes.Stmt:
        return nodes.ExprStmt(self._parse_call_expression(), lineno=line)

    # ---- filters and macros

    def _parse_filter_chain(self) -> nodes.Filter:
        chain: nodes.Filter | None = None
        while not self.stream.at("block_end"):
            if chain is not None:
                self.stream.expect("|")
            chain = self.parse_filter(chain)
        if chain is None:
            raise failed("expected a filter")
        return chain

    def _parse_filter_block(self, line: int) -> nodes.Stmt:
        chain = self._parse_filter_chain()
        return nodes.FilterBlock(self._parse_enclosed("endfilter"), chain, lineno=line)

    def _parse_parameters(self) -> tuple[list[nodes.Expr], list[nodes.Expr]]:
        """Names and the defaults of the last of them, after the opening parenthesis."""
        names: list[nodes.Expr] = []
        defaults: list[nodes.Expr] = []
        while not self.stream.skip(")"):
            if names:
                self.stream.expect(",")
                if self.stream.skip(")"):
                    break
            names.append(self._parse_target_name())
            if self.stream.skip("="):
                defaults.append(self.parse_expression())
            elif defaults:
                self.stream.expect("=")
        return names, defaults

    def _parse_macro_body(self, end: str) -> list[nodes.Node]:
        was_in_loop, self._in_loop = self._in_loop, False
        was_in_macro, self._in_macro = self._in_macro, True
        body = self._parse_enclosed(end)
        self._in_loop, self._in_macro = was_in_loop, was_in_macro
        return body

    def _parse_macro(self, line: int) -> nodes.Stmt:
        name = self.stream.expect("name", "identifier").value
        self.stream.expect("(")
        names, defaults = self._parse_parameters()
        return nodes.Macro(name, names, defaults, self._parse_macro_body("endmacro"), lineno=line)

    def _parse_call(self, line: int) -> nodes.Stmt:
        names, defaults = self._parse_parameters() if self.stream.skip("(") else ([], [])
        call = self._parse_call_expression()
        return nodes.CallBlock(call, names, defaults, self._parse_macro_body("endcall"), lineno=line)

    def _parse_call_expression(self) -> nodes.Call:
        expression = self.parse_expression()
        if not isinstance(expression, nodes.Call):
            raise failed(f"expected call expression in call block, got {described(expression)}")
        return expression

    # ---- several templates

    def _parse_block(self, line: int) -> nodes.Stmt:
        if self._in_macro:
            raise failed("block tags in macros are not allowed")
        was_in_loop, self._in_loop = self._in_loop, False
        name = str(self.stream.expect("name", "identifier").value)
        if name in self._blocks:
            raise failed(f"block '{name}' defined twice")
        self._blocks.add(name)
        body = self._parse_enclosed("endblock")
        trailing = self.stream.peek()
        if trailing is not None and trailing.kind == "name":
            if trailing.value != name:
                raise failed(f"mismatching name on block. Got `{trailing.value}`, expected `{name}`")
            self.stream.next()
        self._in_loop = was_in_loop
        return nodes.Block(name, body, False, False, lineno=line)

    def _parse_extends(self, line: int) -> nodes.Stmt:
        return nodes.Extends(self.parse_expression(), lineno=line)

    def _skip_context_marker(self) -> bool:
        # `with context` and `without context` are allowed, but mean nothing.
        found = self.stream.skip_word("with", "without")
        if found:
            self.stream.expect_word("context", "context")
        return found

    def _parse_include(self, line: int) -> nodes.Stmt:
        template = self.parse_expression()
        marked = self._skip_context_marker()
        ignore_missing = self.stream.skip_word("ignore")
        if ignore_missing:
            self.stream.expect_word("missing", "missing keyword")
            if not marked:
                self._skip_context_marker()
        return nodes.Include(template, True, ignore_missing, lineno=line)

    def _parse_import(self, line: int) -> nodes.Stmt:
        template = self.parse_expression()
        self.stream.expect_word("as", "as")
        target = self.parse_expression()
        if not isinstance(target, nodes.Name):
            raise failed(f"cannot import a template as {described(target)}")
        self._skip_context_marker()
        return nodes.Import(template, target.name, False, lineno=line)

    def _parse_from(self, line: int) -> nodes.Stmt:
        template = self.parse_expression()
        self.stream.expect_word("import", "import")
        names: list[tuple[str, str]] = []
        while not (self._skip_context_marker() or self.stream.at("block_end")):
            if names:
                self.stream.expect(",")
                if self._skip_context_marker() or self.stream.at("block_end"):
                    break
            name = self._parse_target_name()
            alias = self._parse_target_name() if self.stream.skip_word("as") else name
            names.append((getattr(name, "name", ""), getattr(alias, "name", "")))
        return nodes.FromImport(template, names, False, lineno=line)


def described(expression: nodes.Node) -> str:
    """How failures call an expression."""
    if isinstance(expression, nodes.Const):
        return "constant"
    kinds: dict[type[nodes.Node], str] = {
        nodes.Name: "variable",
        nodes.Call: "call",
        nodes.List: "list literal",
        nodes.Dict: "map literal",
        nodes.Test: "test expression",
        nodes.Filter: "filter expression",
    }
    return kinds.get(type(expression), "expression")
