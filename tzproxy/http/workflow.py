"""`POST /workflow_evaluation_run` and `POST /workflow_evaluation_run/{run_id}/episode`. Cold.

Clients of June 2025 know the same as `/dynamic_evaluation_run` and ask there.
"""

from __future__ import annotations

import msgspec

from tzproxy._speedups.ids import format_uuid, parse_uuid
from tzproxy.http.app import Handler
from tzproxy.http.errors import decode_body
from tzproxy.http.exchange import Exchange, ResponseHeaders
from tzproxy.workflow.runs import EpisodeRequest, RunRequest, Workflows

BASES = ("/workflow_evaluation_run", "/dynamic_evaluation_run")
RUN_DECODER = msgspec.json.Decoder(RunRequest)
EPISODE_DECODER = msgspec.json.Decoder(EpisodeRequest)
ENCODER = msgspec.json.Encoder()
TEXT_HEADERS = ResponseHeaders(("content-type", "text/plain; charset=utf-8"))


class WorkflowRunRoute:
    """Begins runs."""

    def __init__(self, workflows: Workflows) -> None:
        self._workflows = workflows

    async def __call__(self, exchange: Exchange) -> None:
        """Answer one request."""
        body = await exchange.body()
        request = decode_body(RUN_DECODER, body)
        run_id = await self._workflows.begin_run(request, exchange.api_key_id)
        await exchange.answer(200, ENCODER.encode({"run_id": run_id}))


class WorkflowEpisodeRoute:
    """Begins episodes of a run."""

    def __init__(self, workflows: Workflows) -> None:
        self._workflows = workflows

    async def __call__(self, exchange: Exchange) -> None:
        """Answer one request; a bad id in the path is refused in plain text, before the body is looked at."""
        given = exchange.parameters["run_id"]
        try:
            run_id = format_uuid(parse_uuid(given))
        except ValueError as exc:
            text = f"Invalid URL: Cannot parse `run_id` with value `{given}`: UUID parsing failed: {exc}"
            await exchange.answer(400, text.encode(), TEXT_HEADERS)
            return
        body = await exchange.body()
        request = decode_body(EPISODE_DECODER, body)
        episode_id = await self._workflows.begin_episode(run_id, request, exchange.api_key_id)
        await exchange.answer(200, ENCODER.encode({"episode_id": episode_id}))


def workflow_routes(workflows: Workflows) -> dict[tuple[str, str], Handler]:
    """Return the routes of today and of June 2025."""
    run, episode = WorkflowRunRoute(workflows), WorkflowEpisodeRoute(workflows)
    return {
        **{("POST", base): run for base in BASES},
        **{("POST", f"{base}/{{run_id}}/episode"): episode for base in BASES},
    }
