"""Services of the providers in memory, each with a key of its own."""

from __future__ import annotations

from msgspec import Struct

from optimization.fakes import FakeProviders
from tzproxy.optimization.service import TuningService
from tzproxy.providers.chat_completions import rows
from tzproxy.providers.credentials import FixedHeaders
from tzproxy.providers.gemini.batch import SPEC
from tzproxy.upstream import HeaderBlock


class Services(Struct, frozen=True):
    """One for each API."""

    openai: TuningService
    fireworks: TuningService
    together: TuningService
    vertex: TuningService
    storage: TuningService


def make_services(provider: FakeProviders, *, secrets: tuple[str, ...] = ()) -> Services:
    """Make them."""

    def keyed(name: str) -> FixedHeaders:
        return FixedHeaders(HeaderBlock.of((("authorization", f"Bearer key-of-{name}"),)))

    return Services(
        TuningService(rows.OPENAI.spec, "https://api.openai.com/v1/", keyed("openai"), provider),
        TuningService(rows.FIREWORKS.spec, "https://api.fireworks.ai/", keyed("fireworks"), provider),
        TuningService(
            rows.TOGETHER.spec,
            "https://api.together.xyz/v1/",
            keyed("together"),
            provider,
            secrets=secrets,
        ),
        TuningService(SPEC, "https://us-central1-aiplatform.googleapis.com/", keyed("vertex"), provider),
        TuningService(SPEC, "https://storage.googleapis.com/", keyed("storage"), provider),
    )
