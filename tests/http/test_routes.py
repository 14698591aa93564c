"""Tests of `tzproxy.http.routes`: which routes there are."""

from __future__ import annotations

from pathlib import Path

from in_process import CHAT, DUMMY, MODEL
from tzproxy.config import load_config
from tzproxy.http.errors import ErrorShape
from tzproxy.http.routes import routes_of
from tzproxy.services.services import Services
from tzproxy.services.settings import WorkerSettings


async def test_every_route_that_is_promised_is_there(tmp_path: Path) -> None:
    """The routes that programs of TensorZero call have a handler, built or refusing."""
    (tmp_path / "tensorzero.toml").write_text(MODEL + CHAT, encoding="utf-8")
    loaded = load_config(str(tmp_path / "tensorzero.toml"), environ=DUMMY)
    services = Services(WorkerSettings(config=loaded.to_bytes(), data_dir=str(tmp_path)), DUMMY)
    services.open()
    routes = routes_of(services, ErrorShape())
    await services.close()
    assert set(routes) >= {
        ("POST", "/inference"),
        ("POST", "/feedback"),
        ("POST", "/openai/v1/chat/completions"),
        ("POST", "/openai/v1/embeddings"),
        ("POST", "/openai/v1/responses"),
        ("POST", "/anthropic/v1/messages"),
        ("POST", "/workflow_evaluation_run"),
        ("POST", "/v1/inferences/list_inferences"),
        ("POST", "/v1/datasets/{dataset_name}/datapoints"),
        ("GET", "/internal/object_storage"),
        ("GET", "/internal/functions/{function_name}/variant_sampling_probabilities"),
        ("GET", "/status"),
        ("GET", "/health"),
        ("GET", "/metrics"),
    }
