"""Answers to the requests of a batch API, one after the other."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from typing import Any

from tzproxy.providers.batches import AnswerHeaders, JobAnswer, JobRefusedError, JobRequest

Scripted = bytes | dict[str, Any] | tuple[int, bytes] | Exception


class JobScript:
    """Plays a script; remembers what it was asked."""

    def __init__(self, *answers: Scripted) -> None:
        self.answers = list(answers)
        self.requests: list[JobRequest] = []

    async def send(self, request: JobRequest) -> JobAnswer:
        """Play the next answer."""
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        status, body = answer if isinstance(answer, tuple) else (200, answer)
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        return JobAnswer(status=status, headers=AnswerHeaders([("X-Request-Id", "r1")]), body=body)

    async def lines(self, request: JobRequest) -> AsyncGenerator[bytes]:
        """Play the next answer line by line."""
        answer = await self.send(request)
        if not 200 <= answer.status < 300:
            raise JobRefusedError(answer)
        for line in answer.body.split(b"\n"):
            if line.strip():
                yield line.strip()

    async def close(self) -> None:
        """Nothing is open."""

    def body(self, index: int) -> Any:
        """The JSON body of a request."""
        return json.loads(self.requests[index].body)
