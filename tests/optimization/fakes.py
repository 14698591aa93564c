"""The fine-tuning APIs of four providers in memory, in place of what carries requests.

Shapes: the providers' API references (files and fine-tuning jobs; datasets and supervised fine-tuning
jobs; tuning jobs and Cloud Storage).
"""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import unquote, urlsplit

from tzproxy.providers.batches import AnswerHeaders, JobAnswer, JobRequest

OPENAI, FIREWORKS, TOGETHER = "api.openai.com", "api.fireworks.ai", "api.together.xyz"
VERTEX, STORAGE = "us-central1-aiplatform.googleapis.com", "storage.googleapis.com"
DATASETS = "/v1/accounts/acct/datasets"
JOBS = "/v1/accounts/acct/supervisedFineTuningJobs"


def form_of(request: JobRequest) -> dict[str, tuple[dict[str, str], str]]:
    """Read a form: each field's attributes (`filename`, `type`) and text, in order."""
    (content_type,) = (value for name, value in request.headers if name.lower() == "content-type")
    boundary = content_type.partition("boundary=")[2].encode()
    fields: dict[str, tuple[dict[str, str], str]] = {}
    for part in request.body.split(b"--" + boundary)[1:-1]:
        head, _, data = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        attributes = dict(re.findall(r'(\w+)="([^"]*)"', head.decode()))
        kind = re.search(r"Content-Type: (\S+)", head.decode())
        if kind is not None:
            attributes["type"] = kind[1]
        fields[attributes.pop("name")] = (attributes, data.removesuffix(b"\r\n").decode())
    return fields


def lines_of(text: str | bytes) -> list[Any]:
    """Read lines of JSON; each must end."""
    content = text if isinstance(text, str) else text.decode()
    assert content.endswith("\n") or not content
    return [json.loads(line) for line in content.splitlines()]


class FakeProviders:
    """Takes files and jobs.

    `jobs` is added to what each host says of a job that is asked for; `refusals` answers requests whose
    `METHOD host/path` has the text in it; `uploads` are the files, by the host that got them.
    """

    def __init__(self) -> None:
        self.requests: list[JobRequest] = []
        self.uploads: dict[str, list[str]] = {}
        self.jobs: dict[str, dict[str, Any]] = {}
        self.refusals: dict[str, tuple[int, bytes] | Exception] = {}
        self.dataset_states = ["READY"]
        self.deployed: list[dict[str, Any]] = []
        self.deployment = "DEPLOYING"
        self.closed = False

    async def send(self, request: JobRequest) -> JobAnswer:
        """Answer one request."""
        self.requests.append(request)
        parts = urlsplit(request.url)
        host, path = parts.netloc, unquote(parts.path)
        for text, refusal in self.refusals.items():
            if text in f"{request.method} {host}{path}":
                if isinstance(refusal, Exception):
                    raise refusal
                return JobAnswer(status=refusal[0], headers=AnswerHeaders(), body=refusal[1])
        answer = getattr(
            self,
            {
                OPENAI: "_openai",
                FIREWORKS: "_fireworks",
                TOGETHER: "_together",
                VERTEX: "_vertex",
                STORAGE: "_storage",
            }[host],
        )(request, path)
        return JobAnswer(status=200, headers=AnswerHeaders(), body=json.dumps(answer).encode())

    async def close(self) -> None:
        """Note it."""
        self.closed = True

    @property
    def asked(self) -> list[str]:
        """Methods, hosts and paths of what it was asked."""
        return [f"{one.method} {urlsplit(one.url).netloc}{urlsplit(one.url).path}" for one in self.requests]

    def sent(self, path: str) -> Any:
        """Return the JSON of the one request that was posted to a path with this end."""
        (found,) = (
            one for one in self.requests if one.method == "POST" and urlsplit(one.url).path.endswith(path)
        )
        return json.loads(found.body)

    def keys(self) -> set[str]:
        """Return what the requests were authorized with."""
        return {value for one in self.requests for name, value in one.headers if name == "authorization"}

    def _upload(self, host: str, request: JobRequest) -> int:
        files = self.uploads.setdefault(host, [])
        files.append(form_of(request)["file"][1])
        return len(files)

    def _openai(self, request: JobRequest, path: str) -> Any:
        if path == "/v1/files":
            return {"id": f"file-{self._upload(OPENAI, request)}", "object": "file", "purpose": "fine-tune"}
        assert path.startswith("/v1/fine_tuning/jobs")
        job = {"object": "fine_tuning.job", "id": "ftjob-1", "status": "validating_files", "error": {}}
        return job if request.method == "POST" else {**job, **self.jobs.get(OPENAI, {})}

    def _together(self, request: JobRequest, path: str) -> Any:
        if path == "/v1/files/upload":
            return {"id": f"file-{self._upload(TOGETHER, request)}", "object": "file"}
        assert path.startswith("/v1/fine-tunes")
        job = {"id": "ft-1", "status": "pending", "token_count": 0, "model_output_name": "me/tuned"}
        return job if request.method == "POST" else {**job, **self.jobs.get(TOGETHER, {})}

    def _fireworks(self, request: JobRequest, path: str) -> Any:
        if path.endswith(":upload"):
            self._upload(FIREWORKS, request)
            return {}
        if path.startswith(DATASETS) and request.method == "POST":
            return {"name": path, "state": "UPLOADING"}
        if path.startswith(DATASETS):
            states = self.dataset_states
            return {"name": path, "state": states.pop(0) if len(states) > 1 else states[0]}
        if path.startswith(JOBS):
            job = {"name": f"{JOBS.removeprefix('/v1/')}/job-1", "state": "JOB_STATE_CREATING"}
            found = {"outputModel": "accounts/acct/models/tuned", **self.jobs.get(FIREWORKS, {})}
            return job if request.method == "POST" else {**job, **found}
        if path.endswith("/deployedModels"):
            return {"name": "accounts/acct/deployedModels/d", "state": self.deployment}
        assert path == "/v1/accounts/acct/models/tuned"
        return {"name": "accounts/acct/models/tuned", "deployedModelRefs": self.deployed}

    def _vertex(self, request: JobRequest, path: str) -> Any:
        job = {"name": "projects/p/locations/us-central1/tuningJobs/7", "state": "JOB_STATE_PENDING"}
        assert path.endswith("/tuningJobs" if request.method == "POST" else "/tuningJobs/7")
        return job if request.method == "POST" else {**job, **self.jobs.get(VERTEX, {})}

    def _storage(self, request: JobRequest, path: str) -> Any:
        assert request.method == "PUT"
        self.uploads.setdefault(STORAGE, []).append(request.body.decode())
        return {}
