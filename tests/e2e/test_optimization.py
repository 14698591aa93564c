"""Fine-tuning through running gateways, asked for by the published client; the test plays the provider."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import tensorzero

from e2e.processes import Gateway, wait_until
from optimization.fakes import FIREWORKS, OPENAI, STORAGE, TOGETHER, VERTEX, FakeProviders, lines_of
from tzproxy.providers.batches import JobRequest

pytestmark = pytest.mark.e2e
FUNCTION = """
[functions.taught]
type = "chat"
[functions.taught.variants.plain]
type = "chat_completion"
model = "mock"
[provider_types.fireworks.sft]
account_id = "acct"
[provider_types.together.sft]
hf_api_token = "token-of-hugging-face"
"""
HOSTS = {
    "openai": f"{OPENAI}/v1",
    "fireworks": FIREWORKS,
    "together": f"{TOGETHER}/v1",
    "gcp_vertex_gemini": VERTEX,
    "gcp_storage": STORAGE,
}


class ProviderServer:
    """The providers in memory behind a port."""

    def __init__(self) -> None:
        self.provider = FakeProviders()
        provider = self.provider

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: Any) -> None:
                pass

            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                name, _, path = self.path.removeprefix("/").partition("/")
                request = JobRequest(
                    method=self.command,  # type: ignore[arg-type]
                    url=f"https://{HOSTS[name]}/{path}",
                    headers=tuple((key.lower(), value) for key, value in self.headers.items()),
                    body=body,
                )
                answer = asyncio.run(provider.send(request))
                self.send_response(answer.status)
                self.send_header("content-length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            do_GET = do_POST = do_PUT = _serve

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def played() -> Iterator[ProviderServer]:
    """Providers that take files and jobs."""
    server = ProviderServer()
    yield server
    server.close()


def test_a_model_is_trained(played: ProviderServer, tmp_path: Path) -> None:
    """From recorded inferences to a model's configuration, by the published client; no key is shown."""
    environ = {
        "OPENAI_API_KEY": "key-of-openai",
        "FIREWORKS_API_KEY": "key-of-fireworks",
        "TOGETHER_API_KEY": "key-of-together",
        "TENSORZERO_INTERNAL_MOCK_PROVIDER_API": played.url,
    }
    with (
        Gateway(tmp_path, environ=environ, extra_config=FUNCTION) as gateway,
        tensorzero.TensorZeroGateway.build_http(gateway_url=gateway.url) as client,
    ):
        for n in range(4):
            client.inference(
                function_name="taught",
                input={"messages": [{"role": "user", "content": f"question {n}"}]},
            )

        def launched() -> Any:
            try:
                return client.experimental_launch_optimization_workflow(
                    function_name="taught",
                    template_variant_name="plain",
                    output_source="inference",
                    val_fraction=0.25,
                    optimizer_config=tensorzero.OpenAISFTConfig(model="gpt-4o", n_epochs=1),
                )
            except tensorzero.TensorZeroError as exc:
                assert "no samples to train on" in str(exc)
                return None

        handle = wait_until(launched, "the inferences are stored")
        provider = played.provider
        assert json.loads(str(handle))["job_id"] == "ftjob-1"
        assert sum(len(lines_of(text)) for text in provider.uploads[OPENAI]) <= 4
        provider.jobs[OPENAI] = {"status": "running", "estimated_finish": 1700000000, "error": None}
        info = client.experimental_poll_optimization(job_handle=handle)
        assert (info.message, info.estimated_finish) == ("Running", 1700000000)
        assert info.status == tensorzero.OptimizationJobStatus.Pending
        provider.jobs[OPENAI] = {"status": "succeeded", "fine_tuned_model": "ft:x", "error": None}
        info = client.experimental_poll_optimization(job_handle=handle)
        assert info.status == tensorzero.OptimizationJobStatus.Completed
        assert info.output["content"]["routing"] == ["ft:x"]
        shown = str(handle) + repr(info.output)
        for settings in (
            tensorzero.FireworksSFTConfig(model="m"),
            tensorzero.TogetherSFTConfig(model="m", lr_scheduler={"lr_scheduler_type": "cosine"}),
        ):
            handle = client.experimental_launch_optimization_workflow(
                function_name="taught",
                template_variant_name="plain",
                output_source="inference",
                optimizer_config=settings,
            )
            info = client.experimental_poll_optimization(job_handle=handle)
            assert info.status == tensorzero.OptimizationJobStatus.Pending
            shown += str(handle) + info.message
        assert provider.sent("/fine-tunes")["hf_api_token"] == "token-of-hugging-face"
        keys = ("key-of-openai", "key-of-fireworks", "key-of-together")
        assert provider.keys() == {f"Bearer {key}" for key in keys}
        shown += gateway.log
    assert not [secret for secret in (*keys, "token-of-hugging-face") if secret in shown]
