"""`POST /workflow_evaluation_run` and `POST /workflow_evaluation_run/{run_id}/episode`. Cold.

Clients of June 2025 know the same as `/dynamic_evaluation_run` and ask there.
"""

from __future__ import annotations

import msgspec

from tzproxy.http.app import Handler
from tzproxy.http.errors import decode_body
from tzproxy.http.exchange import Exchange
from tzproxy.http.path_ids import read_ids
from tzproxy.workflow.runs import EpisodeRequest, RunRequest, Workflows

BASES = ("/workflow_evaluation_run", "/dynamic_evaluation_run")
RUN_DECODER = msgspec.json.Decoder(RunRequest)
EPISODE_DECODER = msgspec.json.Decoder(EpisodeRequest)
ENCODER = msgspec.json.Encoder()


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
        ids = await read_ids(exchange, "run_id")
        if ids is None:
            return
        body = await exchange.body()
        request = decode_body(EPISODE_DECODER, body)
        episode_id = await self._workflows.begin_episode(ids["run_id"], request, exchange.api_key_id)
        await exchange.answer(200, ENCODER.encode({"episode_id": episode_id}))


def workflow_routes(workflows: Workflows) -> dict[tuple[str, str], Handler]:
    """Return the routes of today and of June 2025."""
    run, episode = WorkflowRunRoute(workflows), WorkflowEpisodeRoute(workflows)
    return {
        **{("POST", base): run for base in BASES},
        **{("POST", f"{base}/{{run_id}}/episode"): episode for base in BASES},
    }
