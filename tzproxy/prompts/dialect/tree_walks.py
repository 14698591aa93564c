"""Questions about parts of a syntax tree that the code generator asks.

Owns which statements share a frame and which a function. Not hot.
"""

from __future__ import annotations

from collections.abc import Iterable

from jinja2 import nodes


def statements_inside(body: Iterable[nodes.Node]) -> Iterable[nodes.Node]:
    """Every statement of a function, nested ones included, but not those of macros and blocks."""
    for node in body:
        yield node
        if not isinstance(node, nodes.Macro | nodes.CallBlock | nodes.Block):
            yield from statements_inside(node.iter_child_nodes())


def statements_of_frame(body: Iterable[nodes.Node]) -> Iterable[nodes.Node]:
    """Every statement that stores into the same frame."""
    for node in body:
        yield node
        if isinstance(
            node, nodes.If | nodes.FilterBlock | nodes.AssignBlock | nodes.ScopedEvalContextModifier
        ):
            yield from statements_of_frame(node.iter_child_nodes())
        elif isinstance(node, nodes.For):
            yield from statements_of_frame(node.else_)


def needs_loop(body: Iterable[nodes.Node]) -> bool:
    """Whether anything in a loop may ask for `loop`."""
    for node in body:
        if isinstance(node, nodes.Name) and node.name == "loop":
            return True
        if isinstance(node, nodes.Include | nodes.Import | nodes.FromImport | nodes.Block):
            return True
        if needs_loop(node.iter_child_nodes()):
            return True
    return False


def is_special_call(call: nodes.Call) -> bool:
    """Whether a printed call is no expression."""
    if isinstance(call.node, nodes.Getattr):
        return isinstance(call.node.node, nodes.Name) and call.node.node.name == "self"
    if not isinstance(call.node, nodes.Name):
        return False
    if call.node.name == "super":
        return not call.args
    return call.node.name == "loop" and len(call.args) == 1 and not isinstance(call.args[0], nodes.Keyword)
