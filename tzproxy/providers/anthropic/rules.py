"""What differs between those who speak Anthropic's messages protocol. Data."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from tzproxy.providers.files import forwards_typed
from tzproxy.providers.protocol import ProviderSpec

CLIENT_STATUSES = frozenset({400, 401, 413, 429})


class Rules(Struct, frozen=True, kw_only=True):
    """One speaker.

    Attributes:
        spec: its facts.
        body: keys of the request body in order, separated by blanks.
        version: value of `anthropic_version` in the body.
        limits: most output tokens by model: an exact name, or the beginning of one when it ends with `*`.
        owner: who wants to know the limit, in the text for a model that is not listed.
        strict_tools: a tool says whether its arguments are strictly checked.
        json: JSON modes are known; if not, they are left out with a warning.
        unsupported: parameters that are left out with a warning (others it lacks: in silence).
    """

    spec: ProviderSpec
    body: str
    version: str | None = None
    limits: Mapping[str, int]
    owner: str
    strict_tools: bool = True
    json: bool = True
    unsupported: tuple[str, ...]

    def limit_of(self, model: str) -> int | None:
        """Return the most tokens that a model may answer with; None when it is not known."""
        for name, limit in self.limits.items():
            if model == name or (name.endswith("*") and model.startswith(name[:-1])):
                return limit
        return None


def _limits(table: Mapping[int, str]) -> Mapping[str, int]:
    return {name: limit for limit, names in table.items() for name in names.split()}


# Younger than the original. Source: Anthropic's documentation, the models' overviews, November 2026.
_YOUNGER = (
    "claude-opus-4-7* claude-opus-4-8* claude-opus-5* claude-sonnet-5* claude-haiku-5-5* claude-fable-5* "
    "claude-mythos-5*"
)

ANTHROPIC = Rules(
    spec=ProviderSpec(
        type="anthropic",
        display="Anthropic",
        client_statuses=CLIENT_STATUSES,
        provider_tools=True,
        times_to_headers=True,
        forwards_url=forwards_typed,
    ),
    body="model messages max_tokens stream output_config system temperature thinking top_p service_tier "
    "stop_sequences tool_choice tools",
    limits=_limits(
        {
            4096: "claude-3-haiku* claude-3-opus*",
            8192: "claude-3-5-haiku* claude-3-5-sonnet*",
            64000: "claude-3-7-sonnet* claude-sonnet-4-202* claude-sonnet-4-0 claude-haiku-4-5* "
            "claude-sonnet-4-5* claude-sonnet-4-6* claude-opus-4-5*",
            32000: "claude-opus-4-202* claude-opus-4-0 claude-opus-4-1-202* claude-opus-4-1",
            128000: f"claude-opus-4-6* {_YOUNGER}",
        }
    ),
    owner="Anthropic",
    unsupported=("verbosity",),
)

VERTEX = Rules(
    spec=ProviderSpec(
        type="gcp_vertex_anthropic",
        display="GCP Vertex Anthropic",
        # SPEC: refusals are told as if they came from Anthropic itself; clients of the original know it so.
        refusal_type="anthropic",
        client_statuses=CLIENT_STATUSES,
        provider_tools=True,
        times_to_headers=True,
        forwards_url=forwards_typed,
    ),
    body="anthropic_version messages max_tokens stream output_config system temperature thinking "
    "stop_sequences top_p tool_choice tools",
    version="vertex-2023-10-16",
    limits=_limits(
        {
            4096: "claude-3-haiku@*",
            8192: "claude-3-5-haiku@* claude-3-5-sonnet@* claude-3-5-sonnet-v2@*",
            64000: "claude-3-7-sonnet@* claude-sonnet-4@* claude-haiku-4-5@* claude-sonnet-4-5@* "
            "claude-sonnet-4-6@* claude-opus-4-5@*",
            128000: f"claude-opus-4-6@* {_YOUNGER}",
            32000: "claude-opus-4@* claude-opus-4-1@*",
        }
    ),
    owner="GCP Vertex AI Anthropic",
    strict_tools=False,
    json=False,
    unsupported=("service_tier", "verbosity"),
)
