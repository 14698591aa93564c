"""The requests that the micro benchmarks send."""

import msgspec

QUESTION = "Tell me what you know about the weather in this city. " * 4
NATIVE = msgspec.json.encode(
    {
        "function_name": "bench",
        "input": {"system": "Answer briefly.", "messages": [{"role": "user", "content": QUESTION}]},
    }
)
OPENAI = msgspec.json.encode(
    {
        "model": "tensorzero::function_name::bench",
        "messages": [
            {"role": "system", "content": "Answer briefly."},
            {"role": "user", "content": QUESTION},
        ],
    }
)
NATIVE_STREAM = msgspec.json.encode(
    {**msgspec.json.decode(NATIVE), "function_name": "stream", "stream": True}
)
OPENAI_STREAM = msgspec.json.encode(
    {**msgspec.json.decode(OPENAI), "model": "tensorzero::function_name::stream", "stream": True}
)
