"""The state of one rendering: blocks, includes, calls and recursion.

Owns what a template can change while it renders. A frame is a plain dict with everything that is visible at
a place; entering a loop or block copies it, so that nothing set inside is seen outside. Hot.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from tzproxy.prompts.dialect.failures import (
    BAD_INCLUDE,
    EVAL_BLOCK,
    UNKNOWN_BLOCK,
    UNKNOWN_FUNCTION,
    UNKNOWN_METHOD,
    TemplateFailure,
    invalid,
    locate,
)
from tzproxy.prompts.dialect.functions import FUNCTIONS
from tzproxy.prompts.dialect.objects import RECURSION_LIMIT, Body, Frame, Loop, Macro, Module
from tzproxy.prompts.dialect.printing import html, json_text, text
from tzproxy.prompts.dialect.values import (
    UNDEFINED,
    Safe,
    TemplateObject,
    Undefined,
    call_value,
    elements,
    kind_of,
)

EMITTERS: dict[str, Callable[[Any], str]] = {"none": text, "html": html, "json": json_text}
"""How a printed value becomes text, by auto-escape mode."""

_MACRO_COST = 6
_INCLUDE_COST = 10


class Compiled(Protocol):
    """A compiled template as the runtime needs it."""

    name: str
    mode: str
    root: Body
    blocks: dict[str, Body]


class RenderState:
    """One rendering of one template with all that it includes."""

    __slots__ = (
        "base",
        "blocks",
        "current_block",
        "depth",
        "emit",
        "find",
        "levels",
        "loaded",
        "mode",
        "name",
    )

    def __init__(self, find: Callable[[str], Compiled], template: Compiled, base: Frame) -> None:
        self.find = find
        self.base = base
        self.name = template.name
        self.mode = template.mode
        self.emit = EMITTERS[template.mode]
        self.blocks: dict[str, list[Body]] = {name: [body] for name, body in template.blocks.items()}
        self.levels: dict[str, int] = {}
        self.loaded: frozenset[str] = frozenset()
        self.current_block: str | None = None
        self.depth = 1

    def captured(self, output: list[str]) -> str:
        """Output as a value; safe where auto-escaping has already been at work."""
        joined = "".join(output)
        return joined if self.mode == "none" else Safe(joined)

    def switch_mode(self, mode: str) -> str:
        """Use another auto-escape mode; returns the former one."""
        former = self.mode
        self.mode = mode
        self.emit = EMITTERS[mode]
        return former

    def _deeper(self, cost: int) -> None:
        if self.depth + cost > RECURSION_LIMIT:
            raise invalid("recursion limit exceeded")
        self.depth += cost

    # ---- other templates

    def include(self, names: Any, ignore_missing: bool, frame: Frame, output: list[str]) -> None:
        """Render another template in this frame, the first of several that there is."""
        choices = [names] if isinstance(names, str) else elements(names)
        if choices is None or isinstance(names, Undefined) or names is None:
            choices = [names]
        for choice in choices:
            if not isinstance(choice, str):
                raise invalid("template name was not a string")
            # A template that cannot be found fails at once, even one among several or with `ignore missing`.
            self._run_included(self.find(choice), frame, output)
            return

    def _run_included(self, template: Compiled, frame: Frame, output: list[str]) -> None:
        blocks, levels, loaded = self.blocks, self.levels, self.loaded
        former_mode = self.switch_mode(template.mode)
        self.blocks = {name: [body] for name, body in template.blocks.items()}
        self.levels = {}
        self._deeper(_INCLUDE_COST)
        try:
            template.root(self, frame, output)
        except TemplateFailure as exc:
            locate(exc)
            raise TemplateFailure(BAD_INCLUDE, f'error in "{template.name}"', source=exc) from exc
        self.depth -= _INCLUDE_COST
        self.blocks, self.levels, self.loaded = blocks, levels, loaded
        self.switch_mode(former_mode)

    def import_module(self, name: Any, frame: Frame) -> Module:
        """Run another template for what it sets."""
        inner = _RecordingFrame(frame)
        output: list[str] = []
        self.include(name, False, inner, output)
        return Module({key: inner[key] for key in sorted(inner.written)}, self.captured(output))

    def import_frame(self, name: Any, frame: Frame) -> Frame:
        """Run another template and return its frame."""
        inner = dict(frame)
        self.include(name, False, inner, [])
        return inner

    def extend(self, name: Any, parent: Compiled | None) -> Compiled:
        """Load the blocks of the template that this one extends."""
        if parent is not None:
            raise invalid("tried to extend a second time in a template")
        if not isinstance(name, str):
            raise invalid("template name was not a string")
        if name in self.loaded:
            raise invalid(f'cycle in template inheritance. "{name}" was referenced more than once')
        template = self.find(name)
        self.loaded |= {template.name}
        for block, body in template.blocks.items():
            self.blocks.setdefault(block, []).append(body)
        return template

    def call_block(self, name: str, frame: Frame, output: list[str]) -> None:
        """Render the most derived version of a block."""
        versions = self.blocks.get(name)
        if versions is None:
            raise TemplateFailure(UNKNOWN_BLOCK, f"block '{name}' not found")
        former, self.current_block = self.current_block, name
        self._deeper(1)
        versions[self.levels.get(name, 0)](self, dict(frame), output)
        self.depth -= 1
        self.current_block = former

    def call_super(self, frame: Frame, output: list[str]) -> None:
        """Render the next less derived version of the current block."""
        name = self.current_block
        if name is None:
            raise invalid("cannot super outside of block")
        level = self.levels.get(name, 0)
        versions = self.blocks[name]
        if level + 1 >= len(versions):
            raise invalid("no parent block exists")
        self.levels[name] = level + 1
        try:
            versions[level + 1](self, dict(frame), output)
        except TemplateFailure as exc:
            locate(exc)
            raise TemplateFailure(EVAL_BLOCK, "error in super block", source=exc) from exc
        self.levels[name] = level

    # ---- calls

    def call_function(self, frame: Frame, name: str, args: tuple[Any, ...]) -> Any:
        """`name(args)` inside an expression."""
        if name == "super":
            if args:
                raise invalid("super() takes no arguments")
            output: list[str] = []
            self.call_super(frame, output)
            return self.captured(output)
        function = frame.get(name)
        if function is None and name not in frame:
            function = FUNCTIONS.get(name)
            if function is None:
                raise TemplateFailure(UNKNOWN_FUNCTION, f"{name} is unknown")
        if isinstance(function, Loop):
            if len(args) != 1:
                raise invalid("loop() takes one argument")
            output = []
            function.run_again(self, args[0], frame, output)
            return self.captured(output)
        return call_value(self, function, args)

    def block_text(self, name: str, frame: Frame) -> str:
        """`self.name()` inside an expression."""
        output: list[str] = []
        self.call_block(name, frame, output)
        return self.captured(output)

    def recurse(self, value: Any, frame: Frame, output: list[str]) -> None:
        """`{{ loop(value) }}`."""
        loop = frame.get("loop")
        if not isinstance(loop, Loop):
            raise TemplateFailure(UNKNOWN_FUNCTION, "loop is unknown")
        loop.run_again(self, value, frame, output)

    def call_method(self, value: Any, name: str, args: tuple[Any, ...]) -> Any:
        """`value.name(args)`."""
        result = UNDEFINED
        if isinstance(value, dict) and name in value:
            return call_value(self, value[name], args)
        if isinstance(value, TemplateObject):
            result = value.call_method(self, name, args)
        if result is UNDEFINED:
            raise TemplateFailure(UNKNOWN_METHOD, f"{kind_of(value)} has no method named {name}")
        return result

    def call_macro(self, macro: Macro, arguments: list[Any], caller: Any) -> str:
        """Run the body of a macro in a frame of its own."""
        frame = dict(self.base)
        if macro.closure is not None:
            frame.update(macro.closure)
        if macro.wants_caller:
            frame["caller"] = caller
        blocks, block = self.blocks, self.current_block
        self.blocks, self.current_block = {}, None
        self._deeper(_MACRO_COST)
        output: list[str] = []
        macro.body(self, frame, output, arguments)
        self.depth -= _MACRO_COST
        self.blocks, self.current_block = blocks, block
        return self.captured(output)


class _RecordingFrame(dict[str, Any]):
    """The frame of an imported template; remembers what the template itself has set."""

    def __init__(self, frame: Frame) -> None:
        super().__init__(frame)
        self.written: set[str] = set()

    def __setitem__(self, name: str, value: Any) -> None:
        self.written.add(name)
        super().__setitem__(name, value)
