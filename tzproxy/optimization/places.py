"""Where the providers' fine-tuning APIs are. Cold."""

from __future__ import annotations

from msgspec import Struct


class Places(Struct, frozen=True, kw_only=True):
    """Base URLs, each with a slash at its end. `vertex` None: the host of the region."""

    openai: str = "https://api.openai.com/v1/"
    fireworks: str = "https://api.fireworks.ai/"
    together: str = "https://api.together.xyz/v1/"
    vertex: str | None = None
    storage: str = "https://storage.googleapis.com/"


def places(mock_provider_api: str | None) -> Places:
    """Return where they are, or where all of them are played for a test."""
    if mock_provider_api is None:
        return Places()
    base = mock_provider_api.rstrip("/")
    return Places(
        openai=f"{base}/openai/",
        fireworks=f"{base}/fireworks/",
        together=f"{base}/together/",
        vertex=f"{base}/gcp_vertex_gemini/",
        storage=f"{base}/gcp_storage/",
    )
