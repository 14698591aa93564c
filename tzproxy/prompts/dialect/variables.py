"""Which names a template, or a macro in it, takes from outside.

Owns the rules of what counts as set by the template itself. Not hot.
"""

from __future__ import annotations

from collections.abc import Iterable

from jinja2 import nodes


def undeclared_variables(template: nodes.Template) -> set[str]:
    """Names that a template reads and does not set, attributes of them as `user.name`."""
    tracker = _Tracker(nested=True)
    tracker.visit(template)
    return tracker.found


def enclosed_names(macro: nodes.Macro | nodes.CallBlock) -> set[str]:
    """Names that the body of a macro takes from the place where it is declared."""
    tracker = _Tracker(nested=False)
    tracker.visit_macro(macro)
    return tracker.found


class _Tracker:
    """One walk through a syntax tree, in the order of the text."""

    def __init__(self, *, nested: bool) -> None:
        self.found: set[str] = set()
        self._nested = nested
        self._assigned: list[set[str]] = [set()]

    def _is_assigned(self, name: str) -> bool:
        return any(name in names for names in self._assigned)

    def _assign(self, *names: str) -> None:
        self._assigned[-1].update(names)

    def _scoped(self, body: Iterable[nodes.Node], *names: str) -> None:
        self._assigned.append(set(names))
        self._visit_all(body)
        self._assigned.pop()

    def _visit_all(self, found: Iterable[nodes.Node | None]) -> None:
        for node in found:
            if node is not None:
                self.visit(node)

    def visit(self, node: nodes.Node) -> None:
        """Look at one node and what is below it."""
        visit = getattr(self, f"_visit_{type(node).__name__.lower()}", None)
        if visit is None:
            self._visit_all(node.iter_child_nodes())
        else:
            visit(node)

    def visit_macro(self, node: nodes.Macro | nodes.CallBlock) -> None:
        """Look at parameters, defaults and body of a macro."""
        for parameter in node.args:
            self._assign_target(parameter)
        self._visit_all(node.defaults)
        self._visit_all(node.body)

    def _assign_target(self, target: nodes.Node) -> None:
        if isinstance(target, nodes.Name):
            self._assign(target.name)
        elif isinstance(target, nodes.List):
            for item in target.items:
                self._assign_target(item)

    # ---- expressions

    def _visit_name(self, node: nodes.Name) -> None:
        if not self._is_assigned(node.name):
            self.found.add(node.name)

    def _visit_getattr(self, node: nodes.Getattr) -> None:
        path = [node.attr]
        inner: nodes.Node = node.node
        while isinstance(inner, nodes.Getattr):
            path.append(inner.attr)
            inner = inner.node
        if self._nested and isinstance(inner, nodes.Name) and not self._is_assigned(inner.name):
            self.found.add(".".join((inner.name, *reversed(path))))
        else:
            self.visit(node.node)

    def _visit_getitem(self, node: nodes.Getitem) -> None:
        if isinstance(node.arg, nodes.Slice):
            # The original forgets to look at what is cut.
            self._visit_all((node.arg.start, node.arg.stop, node.arg.step))
        else:
            self._visit_all((node.node, node.arg))

    def _visit_condexpr(self, node: nodes.CondExpr) -> None:
        self._visit_all((node.test, node.expr1, node.expr2))

    # ---- statements

    def _visit_template(self, node: nodes.Template) -> None:
        self._assign("self")
        self._visit_all(node.body)

    def _visit_for(self, node: nodes.For) -> None:
        self._assigned.append({"loop"})
        self.visit(node.iter)
        self._assign_target(node.target)
        self._visit_all((node.test, *node.body))
        self._assigned.pop()
        self._scoped(node.else_)

    def _visit_if(self, node: nodes.If) -> None:
        self.visit(node.test)
        self._scoped(node.body)
        self._scoped(node.else_)

    def _visit_with(self, node: nodes.With) -> None:
        self._assigned.append(set())
        for target, value in zip(node.targets, node.values, strict=True):
            self._assign_target(target)
            self.visit(value)
        self._visit_all(node.body)
        self._assigned.pop()

    def _visit_assign(self, node: nodes.Assign) -> None:
        self._assign_target(node.target)
        self.visit(node.node)

    def _visit_assignblock(self, node: nodes.AssignBlock) -> None:
        self._assign_target(node.target)
        self._scoped(node.body)

    def _visit_filterblock(self, node: nodes.FilterBlock) -> None:
        self._scoped(node.body)

    def _visit_scopedevalcontextmodifier(self, node: nodes.ScopedEvalContextModifier) -> None:
        self._scoped(node.body)

    def _visit_block(self, node: nodes.Block) -> None:
        self._scoped(node.body, "super")

    def _visit_extends(self, node: nodes.Extends) -> None:
        """Names of templates do not count."""

    def _visit_include(self, node: nodes.Include) -> None:
        """Names of templates do not count."""

    def _visit_import(self, node: nodes.Import) -> None:
        self._assign(node.target)

    def _visit_fromimport(self, node: nodes.FromImport) -> None:
        for name in node.names:
            self._assign(name if isinstance(name, str) else name[1])

    def _visit_macro(self, node: nodes.Macro) -> None:
        self._assign(node.name)
        self._assigned.append({"caller"})
        self.visit_macro(node)
        self._assigned.pop()

    def _visit_callblock(self, node: nodes.CallBlock) -> None:
        self.visit(node.call)
        self._assigned.append({"caller"})
        self.visit_macro(node)
        self._assigned.pop()
