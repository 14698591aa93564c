"""From the syntax tree to Python code: statements.

Owns scopes, output and the flow of control of compiled templates. Expressions are in
`expression_codegen`. Not hot itself, but what it writes is.

A compiled template is a module with the functions `root`, one for each block, and one for each macro and
recursive loop inside them. Each takes the state of the rendering, a frame (a dict of everything visible) and
the list that output goes to.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from jinja2 import nodes

from tzproxy.prompts.dialect.expression_codegen import ExpressionGenerator
from tzproxy.prompts.dialect.scope import Scope
from tzproxy.prompts.dialect.tree_walks import (
    is_special_call,
    needs_loop,
    statements_inside,
    statements_of_frame,
)
from tzproxy.prompts.dialect.variables import enclosed_names


class Generator(ExpressionGenerator):
    """Writes one template."""

    def visit_Template(self, node: nodes.Template, frame: object = None) -> None:
        """Write `root` and the functions of the blocks."""
        self._function("root", node.body, is_root=True)
        for block in node.find_all(nodes.Block):
            self._function(f"block_{block.name}", block.body)
        names = ", ".join(f"{block.name!r}: block_{block.name}" for block in node.find_all(nodes.Block))
        self.put(f"blocks = {{{names}}}")

    def _function(self, name: str, body: Sequence[nodes.Node], *, is_root: bool = False) -> None:
        self.put(f"def {name}(st, f, o):")
        self.indent()
        self.is_root = is_root
        extends = any(isinstance(node, nodes.Extends) for node in statements_inside(body))
        self._prologue(body)
        if extends:
            self.put("parent = None")
            self.put("whole = o")
        self._body(body, Scope("f", "o", self._closure(body), extends))
        if extends:
            self.put("if parent is not None:")
            self.put("    parent.root(st, f, whole)")
        self.is_root = False
        self.outdent()

    def _prologue(self, body: Sequence[nodes.Node]) -> None:
        self.put("t = st.emit")
        if any(isinstance(node, nodes.ScopedEvalContextModifier) for node in statements_inside(body)):
            self.needs_state = True
            self.put("initial_mode = st.mode")

    def _closure(self, body: Sequence[nodes.Node]) -> str | None:
        """Start collecting what macros enclose, if there are macros in this frame."""
        if not any(isinstance(node, nodes.Macro | nodes.CallBlock) for node in statements_of_frame(body)):
            return None
        closure = self.new_name("c")
        self.put(f"{closure} = None")
        return closure

    def _body(self, body: Iterable[nodes.Node], scope: Scope) -> None:
        pieces: list[str] = []
        for node in body:
            if isinstance(node, nodes.Output):
                piece = self._piece(node, scope)
                if piece is not None:
                    pieces.append(piece)
                    continue
            self._write_pieces(pieces, scope)
            getattr(self, f"_write_{type(node).__name__.lower()}")(node, scope)
        self._write_pieces(pieces, scope)

    def _write_pieces(self, pieces: list[str], scope: Scope) -> None:
        # PERF: one in-place extension for a run of output (test_render_three_variables)
        if pieces:
            self.put(f"{scope.output} += ({', '.join(pieces)},)")
            pieces.clear()

    # ---- output

    def _piece(self, node: nodes.Output, scope: Scope) -> str | None:
        """The expression whose value is the text of the node; None if it takes a statement."""
        item = node.nodes[0]
        if isinstance(item, nodes.TemplateData):
            self.set_line(item)
            return repr(item.data)
        if isinstance(item, nodes.Call) and is_special_call(item):
            return None
        self.set_line(item)
        return self.at(f"t({self.expression(item, scope.frame)})")

    def _write_output(self, node: nodes.Output, scope: Scope) -> None:
        call = node.nodes[0]
        assert isinstance(call, nodes.Call)
        self.needs_state = True
        self.set_line(call)
        if isinstance(call.node, nodes.Getattr):
            self._call_block(call.node.attr, scope)
        elif isinstance(call.node, nodes.Name) and call.node.name == "super":
            self.put(self.at(f"st.call_super({scope.frame}, {scope.output})"))
        else:
            value = self.expression(call.args[0], scope.frame)
            self.set_line(call)
            self.put(self.at(f"st.recurse({value}, {scope.frame}, {scope.output})"))

    def _call_block(self, name: str, scope: Scope) -> None:
        condition = "if parent is None: " if scope.extends else ""
        self.put(self.at(f"{condition}st.call_block({name!r}, {scope.frame}, {scope.output})"))

    # ---- assignment

    def _store(self, name: str, value: str, scope: Scope) -> None:
        self.put(f"{scope.frame}[{name!r}] = ({value})")
        self._after_store(name, scope)

    def _after_store(self, name: str, scope: Scope) -> None:
        if scope.frame == "f" and self.is_root:
            self.root_stores = True
        if scope.closure is not None:
            self.put(f"if {scope.closure} is not None: {scope.closure}[{name!r}] = {scope.frame}[{name!r}]")

    def _assign(self, target: nodes.Node, value: str, scope: Scope) -> None:
        if isinstance(target, nodes.Name):
            self._store(target.name, value, scope)
        elif isinstance(target, nodes.List):
            self.set_line(target)
            items = [self.new_name("x") for _ in target.items]
            self.put(self.at(f"[{', '.join(items)}] = unpack({value}, {len(items)})"))
            for item, name in zip(target.items, items, strict=True):
                self._assign(item, name, scope)
        else:
            assert isinstance(target, nodes.Getattr)
            stored = self.new_name("x")
            self.put(f"{stored} = ({value})")
            self.set_line(target)
            owner = self.expression(target.node, scope.frame)
            self.put(self.at(f"set_attribute({owner}, {target.attr!r}, {stored})"))

    def _write_assign(self, node: nodes.Assign, scope: Scope) -> None:
        self.set_line(node)
        self._assign(node.target, self.expression(node.node, scope.frame), scope)

    def _capture(self, body: Sequence[nodes.Node], scope: Scope) -> str:
        """Write a body whose output is caught; returns the expression of the caught text."""
        self.needs_state = True
        output = self.new_name("o")
        self.put(f"{output} = []")
        self._body(body, scope._replace(output=output))
        return f"st.captured({output})"

    def _write_assignblock(self, node: nodes.AssignBlock, scope: Scope) -> None:
        self.set_line(node)
        value = self._capture(node.body, scope)
        if node.filter is not None:
            value = self.filter_chain(node.filter, value, scope.frame)
        self._assign(node.target, value, scope)

    def _write_filterblock(self, node: nodes.FilterBlock, scope: Scope) -> None:
        self.set_line(node)
        value = self.filter_chain(node.filter, self._capture(node.body, scope), scope.frame)
        self.put(self.at(f"{scope.output} += (t({value}),)"))

    def _write_with(self, node: nodes.With, scope: Scope) -> None:
        self.set_line(node)
        frame = self._enter(scope.frame)
        inner = scope._replace(frame=frame, closure=self._closure(node.body))
        for target, value in zip(node.targets, node.values, strict=True):
            self._assign(target, self.expression(value, frame), inner)
        self._body(node.body, inner)

    def _enter(self, frame: str) -> str:
        inner = self.new_name("f")
        self.put(f"{inner} = {frame}.copy()")
        return inner

    # ---- flow of control

    def _write_if(self, node: nodes.If, scope: Scope) -> None:
        self.set_line(node)
        self.put(self.at(f"if {self.condition(node.test, scope.frame)}:"))
        self._block(node.body, scope)
        otherwise = node.else_
        while len(otherwise) == 1 and isinstance(otherwise[0], nodes.If):
            inner = otherwise[0]
            self.set_line(inner)
            self.put(self.at(f"elif {self.condition(inner.test, scope.frame)}:"))
            self._block(inner.body, scope)
            otherwise = inner.else_
        if otherwise:
            self.put("else:")
            self._block(otherwise, scope)

    def _block(self, body: Sequence[nodes.Node], scope: Scope) -> None:
        self.indent()
        self.put("pass")
        self._body(body, scope)
        self.outdent()

    def _write_for(self, node: nodes.For, scope: Scope) -> None:
        self.set_line(node)
        items = self.new_name("i")
        value = self.expression(node.iter, scope.frame)
        if node.test is not None:
            value = self._filtered(node, value, scope)
        if node.recursive:
            self._recursive_loop(node, value, scope)
            return
        source = self.new_name("v")
        self.put(f"{source} = ({value})")
        self.put(self.at(f"{items} = iterate({source})"))
        position = self._loop(node, items, source, scope)
        self._else(node, position, scope)

    def _else(self, node: nodes.For, position: str, scope: Scope) -> None:
        if node.else_:
            # Also when the loop was left in its first round: the original counts rounds that were finished.
            self.put(f"if {position} == 0:")
            self._block(node.else_, scope)

    def _filtered(self, node: nodes.For, value: str, scope: Scope) -> str:
        """Write the loop that picks the items; returns the list of them."""
        assert node.test is not None
        chosen = self.new_name("i")
        item = self.new_name("x")
        frame = self._enter(scope.frame)
        inner = scope._replace(frame=frame, closure=None)
        self.put(f"{chosen} = []")
        self.put(self.at(f"for {item} in iterate({value}):"))
        self.indent()
        self._assign(node.target, item, inner)
        self.put(self.at(f"if {self.condition(node.test, frame)}:"))
        self.put(f"    {chosen}.append({item})")
        self.outdent()
        return chosen

    def _loop(self, node: nodes.For, items: str, source: str, scope: Scope, body: str = "None") -> str:
        """Write the loop itself; returns the expression that is 0 if the else part is to run."""
        frame = self._enter(scope.frame)
        inner = scope._replace(frame=frame, closure=self._closure(node.body))
        position = ""
        outer_loop = self.loop
        if node.recursive or needs_loop(node.body):
            self.loop = loop = self.new_name("l")
            self.put(f"{frame}['loop'] = {loop} = Loop({items}, {source}, {scope.frame}, {body})")
            position = f"{loop}.index0"
        elif node.else_:
            position = self.new_name("n")
            self.put(f"{position} = -1")
        target = self.new_name("x")
        simple = isinstance(node.target, nodes.Name) and inner.closure is None
        if isinstance(node.target, nodes.Name) and inner.closure is None:
            # PERF: the loop itself stores the item (test_render_loop)
            target = f"{frame}[{node.target.name!r}]"
        if position:
            self.put(f"for {position}, {target} in enumerate({items}):")
        else:
            self.put(f"for {target} in {items}:")
        self.indent()
        self.put("pass")
        if not simple:
            self._assign(node.target, target, inner)
        self._body(node.body, inner)
        self.loop = outer_loop
        self.outdent()
        if node.else_:
            self.put("else:")
            self.put(f"    {position} += 1")
        return position

    def _recursive_loop(self, node: nodes.For, value: str, scope: Scope) -> None:
        """Write the loop as a function that it can call itself."""
        self.needs_state = True
        function = self.new_name("r")
        line = self.line
        self.put(f"def {function}(st, source, f, o):")
        self.indent()
        is_root, self.is_root = self.is_root, False
        self._prologue(node.body)
        self.line = line
        self.put(self.at("items = iterate(source)"))
        position = self._loop(node, "items", "source", Scope("f", "o"), function)
        self.put(f"return {position}")
        self.is_root = is_root
        self.outdent()
        result = self.new_name("n")
        self.put(self.at(f"{result} = {function}(st, {value}, {scope.frame}, {scope.output})"))
        self._else(node, result, scope)

    def _write_break(self, node: nodes.Break, scope: Scope) -> None:
        self.put("break")

    def _write_continue(self, node: nodes.Continue, scope: Scope) -> None:
        self.put("continue")

    def _write_scopedevalcontextmodifier(self, node: nodes.ScopedEvalContextModifier, scope: Scope) -> None:
        self.set_line(node)
        former = self.new_name("m")
        mode = self.expression(node.options[0].value, scope.frame)
        self.put(self.at(f"{former} = st.switch_mode(escape_mode({mode}, initial_mode))"))
        self.put("t = st.emit")
        self._body(node.body, scope)
        self.put(f"st.switch_mode({former})")
        self.put("t = st.emit")

    def _write_exprstmt(self, node: nodes.ExprStmt, scope: Scope) -> None:
        self.set_line(node)
        self.put(f"({self.expression(node.node, scope.frame)})")

    # ---- macros

    def _macro(self, node: nodes.Macro | nodes.CallBlock, name: str, scope: Scope) -> str:
        """Write the body of a macro as a function; returns the expression of the macro."""
        self.needs_state = True
        function = self.new_name("m")
        self.put(f"def {function}(st, f, o, a):")
        self.indent()
        is_root, self.is_root = self.is_root, False
        loop, self.loop = self.loop, None
        self._prologue(node.body)
        inner = Scope("f", "o", self._closure(node.body))
        first_default = len(node.args) - len(node.defaults)
        for position in reversed(range(len(node.args))):
            parameter = node.args[position]
            if position >= first_default:
                default = self.expression(node.defaults[position - first_default], "f")
                self.put(f"if isinstance(a[{position}], Undefined): a[{position}] = ({default})")
            self._store(parameter.name, f"a[{position}]", inner)
        self._body(node.body, inner)
        self.is_root, self.loop = is_root, loop
        self.outdent()
        names = enclosed_names(node)
        wants_caller = "caller" in names
        enclosed = tuple(sorted(names - {"caller"}))
        if enclosed:
            self.put(f"{scope.closure} = enclose({scope.closure}, {scope.frame}, {enclosed!r})")
        parameters = tuple(parameter.name for parameter in node.args)
        return f"Macro({name!r}, {parameters!r}, {function}, {scope.closure}, {wants_caller})"

    def _write_macro(self, node: nodes.Macro, scope: Scope) -> None:
        self.set_line(node)
        self._store(node.name, self._macro(node, node.name, scope), scope)

    def _write_callblock(self, node: nodes.CallBlock, scope: Scope) -> None:
        self.set_line(node)
        caller = self._macro(node, "caller", scope)
        call = self.call(node.call, scope.frame, caller)
        self.put(self.at(f"{scope.output} += (t({call}),)"))

    # ---- several templates

    def _write_block(self, node: nodes.Block, scope: Scope) -> None:
        self.needs_state = True
        self.set_line(node)
        self._call_block(node.name, scope)

    def _touches_frame(self, scope: Scope) -> None:
        self.needs_state = True
        if scope.frame == "f" and self.is_root:
            self.root_stores = True

    def _write_extends(self, node: nodes.Extends, scope: Scope) -> None:
        self._touches_frame(scope)
        self.set_line(node)
        name = self.expression(node.template, scope.frame)
        self.set_line(node)
        self.put(self.at(f"parent = st.extend({name}, parent)"))
        self.put(f"{scope.output} = []")

    def _write_include(self, node: nodes.Include, scope: Scope) -> None:
        self._touches_frame(scope)
        self.set_line(node)
        name = self.expression(node.template, scope.frame)
        self.set_line(node)
        self.put(self.at(f"st.include({name}, {node.ignore_missing}, {scope.frame}, {scope.output})"))

    def _write_import(self, node: nodes.Import, scope: Scope) -> None:
        self.needs_state = True
        name = self.expression(node.template, scope.frame)
        self.set_line(node)
        self._store(node.target, self.at(f"st.import_module({name}, {scope.frame})"), scope)

    def _write_fromimport(self, node: nodes.FromImport, scope: Scope) -> None:
        self.needs_state = True
        frame = self.new_name("f")
        name = self.expression(node.template, scope.frame)
        self.set_line(node)
        self.put(self.at(f"{frame} = st.import_frame({name}, {scope.frame})"))
        for names in node.names:
            imported, alias = (names, names) if isinstance(names, str) else names
            self._store(alias, self.lookup(imported, frame), scope)
