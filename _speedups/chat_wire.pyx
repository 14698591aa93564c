# cython: language_level=3, boundscheck=False, wraparound=False, auto_pickle=False
"""The chat-completions wire, both ways: the line that nearly all messages and answers follow. Hot.

Owns the order in which a conversation is written and an answer is read. What is rare (files, tools, reasoning,
failures) is done by functions that are given. Must know no service: rules and rows come with each call.
"""

from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE

from tzproxy._speedups.fields cimport Field, find_field, make1, make2, make4, read


cdef class MessageBuilder:
    """Turns a conversation into messages of the wire.

    Args:
        rules: the type of the rules; of its fields `parts_always`, `system_as_user` and `merge` are read here.
        message: the type of the turns.
        text: the type of a block of text.
        system, user, assistant: the types of messages made of one text.
        add_turn: writes any other turn; called with rules, messages so far, role and blocks.
    """

    cdef Field parts_always, system_as_user, merge, role, content, text
    cdef object text_type, system, user, assistant, add_turn

    def __init__(self, *, rules, message, text, system, user, assistant, add_turn):
        find_field(rules, "parts_always", &self.parts_always)
        find_field(rules, "system_as_user", &self.system_as_user)
        find_field(rules, "merge", &self.merge)
        find_field(message, "role", &self.role)
        find_field(message, "content", &self.content)
        find_field(text, "text", &self.text)
        self.text_type, self.system, self.user, self.assistant = text, system, user, assistant
        self.add_turn = add_turn

    cpdef list build(self, rules, system, messages):
        """Return the messages of the wire.

        Raises:
            ProviderError: when a block stands where the protocol cannot have it.
        """
        cdef list out = []
        cdef bint parts_always = read(&self.parts_always, rules)
        if system is not None:
            out.append(make1(self.user if read(&self.system_as_user, rules) else self.system, system))
        for message in messages:
            role = read(&self.role, message)
            blocks = read(&self.content, message)
            if not parts_always and type(blocks) is list and PyList_GET_SIZE(blocks) == 1:
                block = <object>PyList_GET_ITEM(blocks, 0)
                if type(block) is self.text_type:
                    out.append(make1(self.user if role == "user" else self.assistant, read(&self.text, block)))
                    continue
            self.add_turn(rules, out, role, blocks)
        merge = read(&self.merge, rules)
        return out if merge is None else merge(out)


cdef class BodyWriter:
    """Writes the bodies of requests to one service and model.

    Args:
        request: the type of requests.
        builder: writes their messages.
        rules: how the service wants these.
        no_params: the parameters of a request that has none.
        head: what stands before the messages.
        plain, plain_stream: what follows them when a request says nothing else, and when it is for a stream.
        encode: makes JSON of messages.
        write_other: writes all other requests.
    """

    cdef Field json_mode, tool_config, params, system, messages, stream
    cdef MessageBuilder builder
    cdef object rules, no_params, known_params, encode, write_other
    cdef bytes head, plain, plain_stream

    def __init__(
        self, *, request, MessageBuilder builder, rules, no_params, bytes head, bytes plain, bytes plain_stream,
        encode, write_other
    ):
        find_field(request, "json_mode", &self.json_mode)
        find_field(request, "tool_config", &self.tool_config)
        find_field(request, "params", &self.params)
        find_field(request, "system", &self.system)
        find_field(request, "messages", &self.messages)
        find_field(request, "stream", &self.stream)
        self.builder, self.rules, self.encode, self.write_other = builder, rules, encode, write_other
        self.no_params = self.known_params = no_params
        self.head, self.plain, self.plain_stream = head, plain, plain_stream

    def write(self, request):
        """Return the body for a request.

        Raises:
            ProviderError: when the protocol or the service cannot express it.
        """
        if read(&self.json_mode, request) != "off" or read(&self.tool_config, request) is not None:
            return self.write_other(request)
        params = read(&self.params, request)
        if params is not self.known_params:
            if params != self.no_params:
                return self.write_other(request)
            # The same come again: those of a variant.
            self.known_params = params
        messages = self.builder.build(self.rules, read(&self.system, request), read(&self.messages, request))
        rest = self.plain_stream if read(&self.stream, request) else self.plain
        return b"".join((self.head, self.encode(messages), rest))


cdef class UsageReader:
    """Reads counts of tokens, and how much of the prompt came from the provider's cache.

    Args:
        usage, details: the types of what is read.
        made: the type of what is made.
    """

    cdef Field prompt_tokens, completion_tokens, prompt_tokens_details, cached_tokens
    cdef object made

    def __init__(self, *, usage, details, made):
        find_field(usage, "prompt_tokens", &self.prompt_tokens)
        find_field(usage, "completion_tokens", &self.completion_tokens)
        find_field(usage, "prompt_tokens_details", &self.prompt_tokens_details)
        find_field(details, "cached_tokens", &self.cached_tokens)
        self.made = made

    def read(self, usage):
        """Return the counts."""
        prompt, completion = read(&self.prompt_tokens, usage), read(&self.completion_tokens, usage)
        details = read(&self.prompt_tokens_details, usage)
        if details is None:
            return make2(self.made, prompt, completion)
        return make4(self.made, prompt, completion, read(&self.cached_tokens, details), None)


cdef class AnswerParser:
    """Reads whole answers.

    Args:
        row: the type of what is known of a service.
        completion, choice: the types of an answer and of its choice.
        message: the type of the usual message, which holds no thoughts while `thoughts` are None.
        thoughts: two fields of it.
        text, response: the types of what is made.
        unset: what stands for a usage that was not sent.
        unreadable: what reading may raise, for which `fail` makes the error.
        rare: reads what is rare; see `tzproxy.providers.chat_completions.response`.
    """

    cdef Field decode, read_usage, finish_reasons, think_tags, cached_tokens_header
    cdef Field choices, usage, finish_reason, message, content, tool_calls, first_thought, second_thought
    cdef object message_type, text, response, unset, decode_usage, unreadable, rare

    def __init__(
        self, *, row, completion, choice, message, thoughts, text, response, unset, decode_usage, unreadable, rare
    ):
        first, second = thoughts
        find_field(row, "decode", &self.decode)
        find_field(row, "read_usage", &self.read_usage)
        find_field(row, "finish_reasons", &self.finish_reasons)
        find_field(row, "think_tags", &self.think_tags)
        find_field(row, "cached_tokens_header", &self.cached_tokens_header)
        find_field(completion, "choices", &self.choices)
        find_field(completion, "usage", &self.usage)
        find_field(choice, "finish_reason", &self.finish_reason)
        find_field(choice, "message", &self.message)
        find_field(message, "content", &self.content)
        find_field(message, "tool_calls", &self.tool_calls)
        find_field(message, first, &self.first_thought)
        find_field(message, second, &self.second_thought)
        self.message_type, self.text, self.response, self.unset = message, text, response, unset
        self.decode_usage, self.unreadable, self.rare = decode_usage, unreadable, rare

    def parse(self, row, bytes body, headers):
        """Read a service's answer.

        Raises:
            ProviderError: when the answer is not what the protocol promises.
        """
        cdef list output
        try:
            decode = read(&self.decode, row)
            try:
                completion = decode(body)
            except UnicodeDecodeError:
                completion = decode(self.rare.repaired(body))
            raw_usage = read(&self.usage, completion)
            counts = None if raw_usage is self.unset else self.decode_usage(raw_usage)
            if counts is None:
                raw_usage = None
                usage = self.rare.no_usage(row)
            else:
                usage = read(&self.read_usage, row)(counts)
            choices = <list>read(&self.choices, completion)
            if PyList_GET_SIZE(choices) != 1:
                raise self.rare.wrong_count(row, choices, body, headers)
            choice = <object>PyList_GET_ITEM(choices, 0)
            reason = read(&self.finish_reason, choice)
            if type(reason) is str:
                finish_reason = read(&self.finish_reasons, row).get(reason, "unknown")
            else:
                finish_reason = self.rare.no_finish_reason(row)
            message = read(&self.message, choice)
            if (
                type(message) is self.message_type
                and read(&self.first_thought, message) is None
                and read(&self.second_thought, message) is None
            ):
                output = []
                text = read(&self.content, message)
            else:
                output, text = self.rare.read_thoughtful(row, message)
        except self.unreadable as exc:
            raise self.rare.fail(row, body, headers, exc) from exc
        if text is not None:
            if read(&self.think_tags, row):
                self.rare.add_tagged(row, output, text, body, headers)
            else:
                output.append(make1(self.text, text))
        calls = read(&self.tool_calls, message)
        if calls:
            output += self.rare.tool_calls(calls)
        header = read(&self.cached_tokens_header, row)
        if header is not None:
            usage = self.rare.with_header(usage, headers.get(header))
        return make4(self.response, output, usage, finish_reason, raw_usage)
