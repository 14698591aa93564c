# cython: language_level=3, boundscheck=False, wraparound=False, auto_pickle=False
"""Answers as whole chat completions: what nearly all of them hold. Hot.

Owns where each part of an answer goes. What is rare (tool calls, thoughts, the providers' own words) is read by
functions that are given.
"""

from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE
from cpython.object cimport PyObject
from libc.time cimport time

from tzproxy._speedups.fields cimport Field, find_field, make2, read

cdef extern from "Python.h":
    object PyObject_Vectorcall(object function, PyObject** values, size_t count, PyObject* names)


cdef class CompletionWriter:
    """Writes completions.

    Args:
        answer, inference, request, usage, text: the types of what is read.
        completion, choice, message, usage_object: the types of what is made.
        finish_reasons: the words for ours; `stop` for all others.
        encode: makes JSON of a completion.
        rare: reads the rest; see `tzproxy.http.openai.response`.
    """

    cdef Field inference, output, content, finish_reason, variant_name, usage
    cdef Field request, inference_id, episode_id
    cdef Field include_raw_usage, include_raw_response, include_original_response
    cdef Field input_tokens, output_tokens, cache_read, cache_write, cost, text
    cdef object text_type, completion, choice, message, usage_object, encode, rare
    cdef dict finish_reasons
    cdef tuple usage_names

    def __init__(
        self, *, answer, inference, request, usage, text, completion, choice, message, usage_object,
        finish_reasons, encode, rare
    ):
        find_field(answer, "inference", &self.inference)
        find_field(answer, "output", &self.output)
        find_field(answer, "content", &self.content)
        find_field(answer, "finish_reason", &self.finish_reason)
        find_field(answer, "variant_name", &self.variant_name)
        find_field(answer, "usage", &self.usage)
        find_field(inference, "request", &self.request)
        find_field(inference, "inference_id", &self.inference_id)
        find_field(inference, "episode_id", &self.episode_id)
        find_field(request, "include_raw_usage", &self.include_raw_usage)
        find_field(request, "include_raw_response", &self.include_raw_response)
        find_field(request, "include_original_response", &self.include_original_response)
        find_field(usage, "input_tokens", &self.input_tokens)
        find_field(usage, "output_tokens", &self.output_tokens)
        find_field(usage, "provider_cache_read_input_tokens", &self.cache_read)
        find_field(usage, "provider_cache_write_input_tokens", &self.cache_write)
        find_field(usage, "cost", &self.cost)
        find_field(text, "text", &self.text)
        self.text_type, self.completion, self.choice, self.message = text, completion, choice, message
        self.usage_object, self.usage_names = usage_object, usage_object.__struct_fields__
        self.finish_reasons, self.encode, self.rare = finish_reasons, encode, rare

    def write(self, answer):
        """Return the JSON of a whole answer."""
        cdef PyObject* values[12]
        cdef object created = <long long>time(NULL)
        inference = read(&self.inference, answer)
        request = read(&self.request, inference)
        raw_usage = original = raw_response = None
        if (
            read(&self.include_raw_usage, request) is True
            or read(&self.include_raw_response, request) is True
            or read(&self.include_original_response, request) is True
        ):
            raw_usage, original, raw_response = self.rare.own_words(answer)
        inference_id = read(&self.inference_id, inference)
        episode_id = read(&self.episode_id, inference)
        choices = [self.choice_of(answer)]
        model = self.rare.model_of(inference, read(&self.variant_name, answer))
        usage = self.usage_of(read(&self.usage, answer))
        values[0] = <PyObject*>inference_id
        values[1] = <PyObject*>episode_id
        values[2] = <PyObject*>choices
        values[3] = <PyObject*>created
        values[4] = <PyObject*>model
        values[5] = <PyObject*>""  # system_fingerprint
        values[6] = <PyObject*>None  # service_tier
        values[7] = <PyObject*>"chat.completion"
        values[8] = <PyObject*>usage
        values[9] = <PyObject*>raw_usage
        values[10] = <PyObject*>original
        values[11] = <PyObject*>raw_response
        return self.encode(PyObject_Vectorcall(self.completion, values, 12, NULL))

    cdef object choice_of(self, answer):
        cdef PyObject* values[3]
        cdef object index = 0
        reason = self.finish_reasons.get(read(&self.finish_reason, answer), "stop")
        message = self.message_of(answer)
        values[0] = <PyObject*>index
        values[1] = <PyObject*>reason
        values[2] = <PyObject*>message
        return PyObject_Vectorcall(self.choice, values, 3, NULL)

    cdef object message_of(self, answer):
        content = read(&self.content, answer)
        if type(content) is list and PyList_GET_SIZE(content) == 1:
            block = <object>PyList_GET_ITEM(content, 0)
            if type(block) is self.text_type and read(&self.output, answer) is None:
                return make2(self.message, "assistant", read(&self.text, block))
        return self.rare.message(answer)

    cpdef object usage_of(self, usage):
        """Return usage in OpenAI's names."""
        cdef PyObject* values[6]
        prompt = read(&self.input_tokens, usage)
        produced = read(&self.output_tokens, usage)
        total = None if prompt is None or produced is None else prompt + produced
        details = read(&self.cache_read, usage)
        if details is not None:
            details = self.rare.cached(details)
        written = read(&self.cache_write, usage)
        cost = read(&self.cost, usage)
        values[0] = <PyObject*>prompt
        values[1] = <PyObject*>produced
        values[2] = <PyObject*>total
        values[3] = <PyObject*>details
        values[4] = <PyObject*>written
        values[5] = <PyObject*>cost
        return PyObject_Vectorcall(self.usage_object, values, 0, <PyObject*>self.usage_names)
