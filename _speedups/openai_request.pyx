# cython: language_level=3, boundscheck=False, wraparound=False, auto_pickle=False
"""Chat completion requests to inference requests: what nearly all of them say. Hot.

Owns the order in which a request is looked at, and copies what both kinds of request call the same. What is rare
(parts, tool calls, parameters, tools, checks) is done by functions that are given. Must know no field's meaning
beyond the few it is told of.
"""

import msgspec
from cpython.object cimport PyObject
from cpython.tuple cimport PyTuple_GET_ITEM

from tzproxy._speedups.fields cimport Field, find_field, make2, peek, read

cdef extern from "Python.h":
    object PyObject_Vectorcall(object function, PyObject** values, size_t count, PyObject* names)

cdef enum:
    MOST_FIELDS = 40


cdef class MessageReader:
    """Turns the messages of a chat completion into an input.

    Args:
        message: the type of the messages.
        turn, input: the types of what is made.
        rare: does what is not a text; see `tzproxy.http.openai.messages`.
    """

    cdef Field role, content, tool_calls, extra_content
    cdef object turn, input, rare

    def __init__(self, *, message, turn, input, rare):
        find_field(message, "role", &self.role)
        find_field(message, "content", &self.content)
        find_field(message, "tool_calls", &self.tool_calls)
        find_field(message, "tensorzero_extra_content", &self.extra_content)
        self.turn, self.input, self.rare = turn, input, rare

    cpdef object read(self, messages):
        """Return the input: system messages are taken out and joined, tool answers become user turns.

        Raises:
            RequestError: naming what is wrong with a message.
        """
        cdef list turns = [], systems = []
        cdef list results = None
        cdef dict names = None
        for message in messages:
            role = read(&self.role, message)
            content = read(&self.content, message)
            if role == "tool":
                if results is None:
                    results = []
                    turns.append(make2(self.turn, "user", results))
                results.append(self.rare.tool_result(message, {} if names is None else names))
                continue
            results = None
            if role == "user":
                if type(content) is not str:
                    content = self.rare.blocks(content, "user")
                turns.append(make2(self.turn, "user", content))
            elif role == "assistant":
                if (
                    type(content) is not str
                    or read(&self.tool_calls, message)
                    or read(&self.extra_content, message)
                ):
                    if names is None:
                        names = {}
                    content = self.rare.assistant(message, names)
                turns.append(make2(self.turn, "assistant", content))
            elif type(content) is str:
                systems.append(content)
            else:
                systems.extend(self.rare.system(content))
        if not systems:
            system = None
        elif len(systems) == 1:
            system = systems[0]
        else:
            system = self.rare.joined(systems)
        return make2(self.input, turns, system)


cdef class Group:
    """Fields of a Struct that are mostly left alone."""

    cdef Field fields[MOST_FIELDS]
    cdef tuple defaults
    cdef int count

    def __init__(self, struct, names):
        known = {field.name: field.default for field in msgspec.structs.fields(struct)}
        if len(names) > MOST_FIELDS:
            raise ValueError(f"{struct.__name__} has more fields than are counted on")
        self.defaults = tuple([known[name] for name in names])
        self.count = len(names)
        for i, name in enumerate(names):
            find_field(struct, name, &self.fields[<int>i])

    cdef inline bint is_given(self, object holder):
        """Tell whether any of them is not what it is by default."""
        cdef int i
        for i in range(self.count):
            if peek(&self.fields[i], holder) != PyTuple_GET_ITEM(self.defaults, i):
                return True
        return False


cdef class RequestReader:
    """Turns chat completion requests into inference requests.

    Args:
        request: the type of what is read.
        made: the type of what is made; it takes over what `request` calls the same.
        messages: reads the messages.
        checked, params, translated: fields of `request` that are looked into only when one of the group is given.
        targets: what is known of models, by their name.
        no_params: the parameters of a request that gives none.
        rare: does the rest; see `tzproxy.http.openai.request`.
    """

    cdef object request, made, targets, no_params, rare
    cdef MessageReader message_reader
    cdef Group checked, params, translated
    cdef Field messages, model
    cdef Field copied[MOST_FIELDS]
    cdef bint is_copied[MOST_FIELDS]
    cdef tuple defaults
    cdef int count, at_input, at_function, at_model, at_params, at_choice, at_allowed, at_tools, at_schema, at_cache

    def __init__(
        self, *, request, made, MessageReader messages, checked, params, translated, targets, no_params, rare
    ):
        fields = msgspec.structs.fields(made)
        names = [field.name for field in fields]
        if len(names) > MOST_FIELDS:
            raise ValueError(f"{made.__name__} has more fields than are counted on")
        own = ("params", "tool_choice", "cache_options")
        both = set(names) & set(request.__struct_fields__) - set(own)
        for i, name in enumerate(names):
            self.is_copied[<int>i] = name in both
            if name in both:
                find_field(request, name, &self.copied[<int>i])
        self.defaults, self.count = tuple([field.default for field in fields]), len(names)
        self.at_input, self.at_function, self.at_model, self.at_params, self.at_choice = [
            names.index(name) for name in ("input", "function_name", "model_name", "params", "tool_choice")
        ]
        self.at_allowed, self.at_tools, self.at_schema, self.at_cache = [
            names.index(name) for name in ("allowed_tools", "additional_tools", "output_schema", "cache_options")
        ]
        find_field(request, "messages", &self.messages)
        find_field(request, "model", &self.model)
        self.request, self.made, self.message_reader = request, made, messages
        self.checked, self.params = Group(request, checked), Group(request, params)
        self.translated = Group(request, translated)
        self.targets, self.no_params, self.rare = targets, no_params, rare

    def read(self, request):
        """Return the inference request.

        Raises:
            RequestError: for what has no translation.
        """
        cdef PyObject* values[MOST_FIELDS]
        cdef tuple found
        cdef int i
        if type(request) is not self.request:
            raise TypeError(f"expected {self.request}, got {type(request)}")
        choice = allowed = None
        if self.checked.is_given(request):
            choice, allowed = self.rare.check(request)
        model = read(&self.model, request)
        target = self.targets.get(model)
        if target is None:
            target = self.rare.target_of(model)
        found = <tuple>target
        read_input = self.message_reader.read(read(&self.messages, request))
        params = self.rare.params(request) if self.params.is_given(request) else self.no_params
        for i in range(self.count):
            if self.is_copied[i]:
                values[i] = peek(&self.copied[i], request)
            else:
                values[i] = PyTuple_GET_ITEM(self.defaults, i)
        values[self.at_input] = <PyObject*>read_input
        values[self.at_function] = PyTuple_GET_ITEM(found, 0)
        values[self.at_model] = PyTuple_GET_ITEM(found, 1)
        values[self.at_params] = <PyObject*>params
        values[self.at_choice] = <PyObject*>choice
        values[self.at_allowed] = <PyObject*>allowed
        if self.translated.is_given(request):
            tools, schema, cache = self.rare.translate(request)
            values[self.at_tools] = <PyObject*>tools
            values[self.at_schema] = <PyObject*>schema
            values[self.at_cache] = <PyObject*>cache
        return PyObject_Vectorcall(self.made, values, self.count, NULL)
