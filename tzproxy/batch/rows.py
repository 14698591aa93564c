"""The rows that a batch leaves, as lines of JSON. Cold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice

import msgspec

from tzproxy._speedups.ids import new_uuid7
from tzproxy.batch.plan import PlannedBatch
from tzproxy.batch.submission import Submission
from tzproxy.clickhouse.queries.batches import BatchStatus, StoredBatch
from tzproxy.inference.plan import Inference
from tzproxy.inference.rows import stored_messages, stored_params
from tzproxy.inference.tool_columns import tool_columns
from tzproxy.providers.batches import PolledBatch
from tzproxy.types.model import ModelRequest

ENCODER = msgspec.json.Encoder()
REQUESTS = "BatchRequest"
ELEMENTS = "BatchModelInference"
ROWS_AT_ONCE = 500
"""Rows of one insert: all of them are stored or none."""


def started_row(planned: PlannedBatch, submission: Submission, *, snapshot_hash: int) -> bytes:
    """Make the first row of a batch."""
    taken = submission.batch
    return _status_row(
        {
            "batch_id": planned.batch_id,
            "batch_params": taken.params,
            "model_name": submission.model_name,
            "model_provider_name": submission.provider_name,
            "errors": taken.errors,
            "raw_request": taken.raw_request,
            "raw_response": taken.raw_response,
            "function_name": planned.function.name,
            "variant_name": submission.variant_name,
            "snapshot_hash": str(snapshot_hash),
        },
        "pending",
    )


def polled_row(batch: StoredBatch, polled: PolledBatch, status: BatchStatus) -> bytes:
    """Make the row of a batch that has been asked for."""
    return _status_row(
        {
            "batch_id": batch.batch_id,
            "batch_params": batch.params,
            "model_name": batch.model_name,
            "model_provider_name": batch.model_provider_name,
            "errors": (),
            "raw_request": polled.raw_request,
            "raw_response": polled.raw_response,
            "function_name": batch.function_name,
            "variant_name": batch.variant_name,
            "snapshot_hash": batch.snapshot_hash,
        },
        status,
    )


def _status_row(fields: Mapping[str, object], status: BatchStatus) -> bytes:
    return ENCODER.encode({**fields, "id": new_uuid7(), "status": status})


def element_rows(
    planned: PlannedBatch, submission: Submission, *, snapshot_hash: int
) -> Iterator[list[bytes]]:
    """Make the rows of a batch's inferences in their order, some at a time."""
    asked = zip(planned.inferences, submission.requests, submission.batch.raw_requests, strict=True)
    rows = (
        _element_row(planned, submission, inference, (request, raw_request), str(snapshot_hash))
        for inference, request, raw_request in asked
    )
    while part := list(islice(rows, ROWS_AT_ONCE)):
        yield part


def _element_row(
    planned: PlannedBatch,
    submission: Submission,
    inference: Inference,
    asked: tuple[ModelRequest, str],
    snapshot_hash: str,
) -> bytes:
    request, raw_request = asked
    schema = inference.output_schema
    row = {
        "inference_id": inference.inference_id,
        "batch_id": planned.batch_id,
        "function_name": planned.function.name,
        "variant_name": submission.variant_name,
        "episode_id": inference.episode_id,
        "input": inference.read.stored,
        "input_messages": ENCODER.encode(stored_messages(request.messages, inference.read)).decode(),
        "system": request.system,
        "inference_params": stored_params(request.params),
        "raw_request": raw_request,
        "model_name": submission.model_name,
        "model_provider_name": submission.provider_name,
        "output_schema": None if schema is None else bytes(schema.raw).decode(),
        "tags": inference.tags,
        "snapshot_hash": snapshot_hash,
    }
    if inference.tools is not None:
        row.update(msgspec.structs.asdict(tool_columns(inference.tools)))
    return ENCODER.encode(row)
