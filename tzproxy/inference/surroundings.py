"""What the environment says to everything that connects to providers. Cold."""

from __future__ import annotations

from tzproxy.config import LoadedConfig, Secret
from tzproxy.config.provider_types import BatchCloudStorage
from tzproxy.providers.settings import Surroundings
from tzproxy.upstream import UpstreamSettings


def surroundings_of(loaded: LoadedConfig) -> Surroundings:
    """Return what providers may use of a gateway with this configuration."""
    batches = loaded.config.provider_types.gcp_vertex_gemini.batch
    return Surroundings(
        setting=loaded.setting,
        upstream=upstream_settings(loaded),
        vertex_batches=batches if isinstance(batches, BatchCloudStorage) else None,
        kept={},
    )


def upstream_settings(loaded: LoadedConfig, *, user_agent: str = "tzproxy") -> UpstreamSettings:
    """Return what the environment says about proxies and trust, and the configuration about silence."""
    environment = loaded.environment
    silence_ms = loaded.config.gateway.global_outbound_http_intra_stream_read_timeout_ms
    return UpstreamSettings(
        silence_timeout_s=None if silence_ms is None else silence_ms / 1000,
        https_proxy=_revealed(environment.https_proxy),
        http_proxy=_revealed(environment.http_proxy),
        all_proxy=_revealed(environment.all_proxy),
        no_proxy=",".join(environment.no_proxy),
        ssl_cert_file=environment.ssl_cert_file or "",
        user_agent=user_agent,
    )


def _revealed(secret: Secret | None) -> str:
    return "" if secret is None else secret.reveal()
