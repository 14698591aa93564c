"""What compiled templates call while they run: loops, macros, blocks, includes.

Owns the state of one rendering. A frame is a plain dict with everything that is visible at a place; entering
a loop or block copies it, so that nothing set inside is seen outside. Hot.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Protocol

from tzproxy.prompts.dialect.failures import (
    BAD_INCLUDE,
    EVAL_BLOCK,
    TOO_MANY_ARGUMENTS,
    UNDEFINED_VALUE,
    UNKNOWN_BLOCK,
    UNKNOWN_FUNCTION,
    UNKNOWN_METHOD,
    TemplateFailure,
    invalid,
)
from tzproxy.prompts.dialect.functions import FUNCTIONS
from tzproxy.prompts.dialect.operators import same
from tzproxy.prompts.dialect.printing import html, json_text, text
from tzproxy.prompts.dialect.values import (
    SILENT,
    UNDEFINED,
    Kwargs,
    Namespace,
    Safe,
    TemplateObject,
    Undefined,
    call_value,
    elements,
    is_sized,
    iterate,
    kind_of,
)

Frame = dict[str, Any]
Body = Callable[..., Any]

EMITTERS: dict[str, Callable[[Any], str]] = {"none": text, "html": html, "json": json_text}
"""How a printed value becomes text, by auto-escape mode."""

_RECURSION_LIMIT = 500
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
        self.depth = 0

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
        if self.depth + cost > _RECURSION_LIMIT:
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


class Module(TemplateObject):
    """What `import` yields: the names that a template sets."""

    __slots__ = ("_output", "_values")

    def __init__(self, values: dict[str, Any], output: str) -> None:
        self._values = values
        self._output = output

    def get(self, name: object) -> Any:
        """The value that the template has set."""
        return self._values.get(name, UNDEFINED) if isinstance(name, str) else UNDEFINED

    def keys(self) -> Collection[str]:
        """Names in order."""
        return self._values

    def printed(self) -> str:
        """What the template has printed."""
        return str.__str__(self._output)


_LOOP_NAMES = (
    "index0",
    "index",
    "length",
    "revindex",
    "revindex0",
    "first",
    "last",
    "depth",
    "depth0",
    "previtem",
    "nextitem",
)


class Loop(TemplateObject):
    """The variable `loop`. The compiled loop moves `index0`."""

    __slots__ = ("_body", "_changed", "_items", "_length", "depth", "index0")

    def __init__(self, items: list[Any], value: Any, frame: Frame, body: Body | None = None) -> None:
        self.index0 = -1
        self._items = items
        self._length = len(items) if is_sized(value) else None
        self._body = body
        self._changed: tuple[Any, ...] | None = None
        outer = frame.get("loop")
        self.depth: int = outer.depth + 1 if isinstance(outer, Loop) and outer.is_recursive() else 0

    def is_recursive(self) -> bool:
        """Whether the loop may be called."""
        return self._body is not None

    def keys(self) -> Collection[str]:
        """Names of the attributes."""
        return _LOOP_NAMES

    def get(self, name: object) -> Any:
        """Position in the loop and what belongs to it."""
        index = self.index0
        if name == "index":
            return index + 1
        if name == "index0":
            return index
        if name == "first":
            return index == 0
        length = self._length
        if name == "last":
            return length is not None and index >= length - 1
        return self._get_rare(name, index, length)

    def _get_rare(self, name: object, index: int, length: int | None) -> Any:
        if name in ("depth", "depth0"):
            return self.depth + (name == "depth")
        if name == "previtem":
            return self._items[index - 1] if index > 0 else UNDEFINED
        if name == "nextitem":
            return self._items[index + 1] if index + 1 < len(self._items) else UNDEFINED
        if length is None or name not in ("length", "revindex", "revindex0"):
            return UNDEFINED
        return length if name == "length" else max(0, length - index - (name == "revindex0"))

    def printed(self) -> str:
        """Position and length."""
        return f"<loop {self.index0}/{'?' if self._length is None else self._length}>"

    def call(self, state: Any, args: tuple[Any, ...]) -> Any:
        """A loop can be called by its name only."""
        raise invalid("loop recursion cannot be called this way")

    def call_method(self, state: Any, name: str, args: tuple[Any, ...]) -> Any:
        """`changed` and `cycle`."""
        if name == "changed":
            former, self._changed = self._changed, args
            return former is None or not same(list(former), list(args))
        if name == "cycle":
            if not args:
                raise invalid("cycle needs at least one argument")
            return args[self.index0 % len(args)]
        return UNDEFINED

    def run_again(self, state: RenderState, value: Any, frame: Frame, output: list[str]) -> None:
        """Run a recursive loop over other items."""
        if self._body is None:
            raise invalid("cannot recurse outside of recursive loop")
        try:
            iterate(value)
        except TemplateFailure as exc:
            raise TemplateFailure(
                exc.kind if exc.kind != UNDEFINED_VALUE else "invalid operation",
                "cannot recurse because of non-iterable value",
                source=exc,
            ) from exc
        if self.depth >= _RECURSION_LIMIT:
            raise invalid("recursion limit exceeded")
        self._body(state, value, frame, output)


class Macro(TemplateObject):
    """A macro, or the body of a call block."""

    __slots__ = ("body", "closure", "name", "parameters", "wants_caller")

    def __init__(
        self, name: str, parameters: tuple[str, ...], body: Body, closure: Frame | None, wants_caller: bool
    ) -> None:
        self.name = name
        self.parameters = parameters
        self.body = body
        self.closure = closure
        self.wants_caller = wants_caller

    def keys(self) -> Collection[str]:
        """Names of the attributes."""
        return ("name", "arguments", "caller")

    def get(self, name: object) -> Any:
        """What is known of the macro."""
        if name == "arguments":
            return list(self.parameters)
        return self.name if name == "name" else self.wants_caller if name == "caller" else UNDEFINED

    def printed(self) -> str:
        """The name in angle brackets."""
        return f"<macro {self.name}>"

    def call(self, state: RenderState, args: tuple[Any, ...]) -> Any:
        """Bind the arguments and run the body."""
        keywords: dict[str, Any] = {}
        if args and isinstance(args[-1], Kwargs):
            keywords = dict(args[-1])
            args = args[:-1]
        if len(args) > len(self.parameters):
            raise TemplateFailure(TOO_MANY_ARGUMENTS)
        values = list(args)
        for position, name in enumerate(self.parameters):
            if position < len(args):
                if name in keywords:
                    raise TemplateFailure(TOO_MANY_ARGUMENTS, f"duplicate argument `{name}`")
            else:
                values.append(keywords.pop(name, UNDEFINED))
        caller = keywords.pop("caller", UNDEFINED) if self.wants_caller else UNDEFINED
        for name in sorted(keywords):
            raise TemplateFailure(TOO_MANY_ARGUMENTS, f"unknown keyword argument `{name}`")
        return state.call_macro(self, values, caller)


# ---- small steps of compiled templates


def enclose(closure: Frame | None, frame: Frame, names: tuple[str, ...]) -> Frame:
    """Let a macro see names of the frame that it stands in."""
    if closure is None:
        closure = {}
    for name in names:
        if name not in closure:
            closure[name] = frame.get(name, FUNCTIONS.get(name, UNDEFINED))
    return closure


def set_attribute(target: Any, name: str, value: Any) -> None:
    """`{% set target.name = value %}`."""
    if not isinstance(target, Namespace):
        raise invalid(f"can only assign to namespaces, not {kind_of(target)}")
    target[name] = value


def unpack(value: Any, count: int) -> list[Any]:
    """The elements of a value that is assigned to several names."""
    items = None if isinstance(value, str | Undefined) or value is None else elements(value)
    if items is None:
        raise TemplateFailure("cannot unpack", "value is not iterable")
    if len(items) != count:
        raise TemplateFailure(
            "cannot unpack", f"sequence of wrong length (expected {count}, got {len(items)})"
        )
    return items


def spread(value: Any) -> list[Any]:
    """The elements of `*value` in a call."""
    items = elements(value)
    if items is None:
        raise invalid(f"{kind_of(value)} is not iterable")
    return items


def make_map(*entries: tuple[Any, Any]) -> dict[Any, Any]:
    """A map literal whose keys are no constants."""
    try:
        return dict(entries)
    except TypeError:
        raise invalid("a list or map cannot be the key of a map") from None


def escape_mode(value: Any, initial: str) -> str:
    """What `{% autoescape value %}` asks for."""
    if isinstance(value, str):
        if value in EMITTERS:
            return str.__str__(value)
        raise invalid("invalid value to autoescape tag")
    if value is SILENT or value is UNDEFINED or not same(value, True):
        return "none"
    return "html" if initial == "none" else initial


def locate(failure: TemplateFailure) -> None:
    """Give a failure the template and the line that it happened in, from its traceback."""
    if failure.name is not None:
        return
    traceback = failure.__traceback__
    while traceback is not None:
        place = traceback.tb_frame.f_globals.get("__place__")
        if place is not None:
            failure.name, failure.line = place(traceback.tb_lineno)
        traceback = traceback.tb_next
