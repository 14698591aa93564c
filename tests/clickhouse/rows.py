"""Rows as the gateway writes them, for tests."""

from __future__ import annotations

import json

from tzproxy._speedups.ids import new_uuid7


def lines(*rows: dict[str, object]) -> bytes:
    """Rows as JSON lines."""
    return b"\n".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() for row in rows)


def chat_inference(**changes: object) -> dict[str, object]:
    """A chat inference without tools."""
    row: dict[str, object] = {
        "id": new_uuid7(),
        "function_name": "write_haiku",
        "variant_name": "gpt_mini",
        "episode_id": new_uuid7(),
        "input": {"messages": [{"role": "user", "content": [{"type": "text", "text": "Rain"}]}]},
        "output": [{"type": "text", "text": "Drops on the tin roof"}],
        "inference_params": {"chat_completion": {"temperature": 0.4}},
        "processing_time_ms": 812,
        "ttft_ms": None,
        "tags": {"a": "1", "b": "2"},
        "extra_body": [],
    }
    return row | changes


def model_inference(**changes: object) -> dict[str, object]:
    """A model call with usage and cost."""
    row: dict[str, object] = {
        "id": new_uuid7(),
        "inference_id": new_uuid7(),
        "raw_request": "{}",
        "raw_response": "{}",
        "model_name": "openai::gpt-4o-mini",
        "model_provider_name": "openai",
        "input_tokens": 10,
        "output_tokens": 5,
        "response_time_ms": 700,
        "input_messages": "[]",
        "output": "[]",
        "cached": False,
        "finish_reason": "stop",
        "cost": 0.000125,
        "function_name": "write_haiku",
        "variant_name": "gpt_mini",
    }
    return row | changes


def float_feedback(target_id: str, **changes: object) -> dict[str, object]:
    """A float metric."""
    row: dict[str, object] = {
        "id": new_uuid7(),
        "target_id": target_id,
        "metric_name": "score",
        "value": 0.5,
        "tags": {"who": "me"},
    }
    return row | changes
