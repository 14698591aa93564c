"""Fills a store with inferences of about 1 kB, feedback and model calls, made by the engine itself.

The values depend on the row's number alone, so that every run asks the same data.
"""

from __future__ import annotations

from collections.abc import Callable

from tzproxy.clickhouse import StoreClient

PART_ROWS = 50_000
SPAN_MS = 90 * 24 * 3600 * 1000
"""The inferences lie in as many milliseconds before `END_MS`."""
END_MS = 1_780_000_000_000

_WORDS = (
    "the rain falls on quiet roofs while market prices rise and nobody in town remembers which contract was "
    "signed before winter because every letter mentions delivery insurance payment refund customer order "
    "shipment address warranty battery screen invoice account password network support ticket answer"
).split()
NUMBERS = "FROM numbers({first:UInt64}, {count:UInt64})"
_SHARED = (
    "id, function_name, variant_name, episode_id, input, output, inference_params, processing_time_ms,"
    " ttft_ms, tags, extra_body"
)
CHAT_FUNCTION = "if(number % 10 < 7, 'answer', 'summarise')"
VARIANT = "if(number % 3 = 0, 'small', 'large')"


def _id(rows: int, what: str, *, number: str = "number", later_ms: int = 0) -> str:
    """Make a UUIDv7 of a row's number; its second half is a hash, so that it does not sort by time."""
    ms = f"{END_MS - SPAN_MS + later_ms} + intDiv({number} * {SPAN_MS}, {rows})"
    rest = f"bitShiftRight(cityHash64('{what}', {number}), 2)"
    first = f"bitOr(bitShiftLeft(toUInt128({ms}), 80), bitShiftLeft(toUInt128(7), 76))"
    return f"uint_to_uuid(bitOr({first}, bitOr(bitShiftLeft(toUInt128(2), 62), toUInt128({rest}))))"


def _text(seed: int, words: int) -> str:
    array = "[" + ",".join(f"'{word}'" for word in _WORDS) + "]"
    word = f"arrayElement({array}, 1 + cityHash64({seed}, number, x) % {len(_WORDS)})"
    return f"arrayStringConcat(arrayMap(x -> {word}, range({words})), ' ')"


def _episode(rows: int) -> str:
    """Three inferences stand in one episode."""
    return _id(rows, "episode", number="(number - number % 3)")


def _input() -> str:
    head = '{"messages":[{"role":"user","content":[{"type":"text","text":"ticket '
    return f"concat('{head}', toString(number), ' ', {_text(1, 90)}, '\"}}]}}]}}')"


def _chat_output() -> str:
    return f"""concat('[{{"type":"text","text":"', {_text(2, 55)}, '"}}]')"""


def _inference(rows: int, function: str, output: str) -> str:
    return (
        f"{_id(rows, 'inference')}, {function}, {VARIANT}, {_episode(rows)}, {_input()}, {output},"
        """ '{"chat_completion":{"temperature":0.5}}', 200 + cityHash64(number) % 3000, NULL,"""
        " map('customer', toString(number % 997), 'channel', ['mail', 'chat', 'phone'][1 + number % 3]), '[]'"
    )


def inserts(rows: int) -> dict[str, str]:
    """Return an INSERT for each table; its parameters `first` and `count` say which numbers it writes."""
    raw = """concat('"{\\\\"label\\\\":', toString(number), '}"')"""
    json_output = f"""concat('{{"raw":', {raw}, ',"parsed":{{"label":', toString(number), '}}}}')"""
    return {
        "ChatInference": f"INSERT INTO ChatInference ({_SHARED}, tool_params)"
        f" SELECT {_inference(rows, CHAT_FUNCTION, _chat_output())}, '' {NUMBERS} WHERE number % 10 != 9",
        "JsonInference": f"INSERT INTO JsonInference ({_SHARED}, output_schema, auxiliary_content)"
        f""" SELECT {_inference(rows, "'label'", json_output)}, '{{"type":"object"}}', '[]' {NUMBERS}"""
        " WHERE number % 10 = 9",
        "FloatMetricFeedback": "INSERT INTO FloatMetricFeedback (id, target_id, metric_name, value, tags)"
        f" SELECT {_id(rows, 'rating', later_ms=5000)}, {_id(rows, 'inference')}, 'rating',"
        f" (cityHash64(number, 7) % 1000) / 1000, map() {NUMBERS} WHERE number % 2 = 0",
        "BooleanMetricFeedback": "INSERT INTO BooleanMetricFeedback (id, target_id, metric_name, value, tags)"
        f" SELECT {_id(rows, 'solved', later_ms=6000)}, {_episode(rows)}, 'solved',"
        f" cityHash64(number, 8) % 2, map() {NUMBERS} WHERE number % 3 = 0",
        "DemonstrationFeedback": "INSERT INTO DemonstrationFeedback (id, inference_id, value, tags)"
        f" SELECT {_id(rows, 'demonstration', later_ms=7000)}, {_id(rows, 'inference')},"
        f" {_chat_output()}, map() {NUMBERS} WHERE number % 100 = 0",
        "ModelInference": "INSERT INTO ModelInference (id, inference_id, raw_request, raw_response,"
        " model_name, model_provider_name, input_tokens, output_tokens, response_time_ms, input_messages,"
        f" output, cached, finish_reason, cost, function_name, variant_name) SELECT {_id(rows, 'call')},"
        f" {_id(rows, 'inference')}, {_input()}, {_chat_output()}, concat('model-', toString(number % 4)),"
        " 'provider', 150, 80, 200 + cityHash64(number) % 2000, '[]', '[]', false, 'stop', 0.0001,"
        f" if(number % 10 = 9, 'label', {CHAT_FUNCTION}), {VARIANT} {NUMBERS}",
    }


def fill(client: StoreClient, rows: int, *, say: Callable[[str], None] = print) -> None:
    """Write that many inferences, and what belongs to them.

    Raises:
        StoreError: when the store refuses.
    """
    for table, sql in inserts(rows).items():
        for first in range(0, rows, PART_ROWS):
            client.command(sql, {"first": first, "count": min(PART_ROWS, rows - first)})
        say(f"  {table}: {client.query(f'SELECT count() AS n FROM {table}')[0]['n']} rows")
