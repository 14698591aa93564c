"""What differs between those who speak Gemini's content protocol. Data."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from tzproxy.providers.protocol import ProviderSpec

CLIENT_STATUSES = frozenset({400, 401, 413, 429})


class Rules(Struct, frozen=True, kw_only=True):
    """One speaker.

    Attributes:
        spec: its facts.
        generation: keys of `generationConfig` in order, separated by blanks.
        writes_no_tools: a request without tools says so.
        parse_text_has_body: the failure for an unreadable answer ends with the answer's text.
        streams_code: `executableCode` may come in a stream; if not, it is a failure.
        counts_unknown: unknown parts of a stream are numbered; if not, all have the id 0.
        usage_from: which events of a stream tell the usage.
    """

    spec: ProviderSpec
    generation: str
    writes_no_tools: bool
    parse_text_has_body: bool
    streams_code: bool
    counts_unknown: bool
    usage_from: Literal["any", "last"]


VERTEX = Rules(
    spec=ProviderSpec(
        type="gcp_vertex_gemini",
        display="GCP Vertex Gemini",
        client_statuses=CLIENT_STATUSES,
        refusal_texts={
            404: "Model or endpoint not found. You may be specifying the wrong one of these. Standard GCP "
            "models should use a `model_id` and not an `endpoint_id`, while fine-tuned models should use an "
            "`endpoint_id`."
        },
        times_to_headers=True,
    ),
    generation="stopSequences temperature thinkingConfig maxOutputTokens topP presencePenalty "
    "frequencyPenalty seed responseMimeType responseSchema",
    writes_no_tools=False,
    parse_text_has_body=True,
    streams_code=False,
    counts_unknown=False,
    usage_from="any",
)

AI_STUDIO = Rules(
    spec=ProviderSpec(
        type="google_ai_studio_gemini",
        display="Google AI Studio Gemini",
        client_statuses=CLIENT_STATUSES,
        keeps_raw_request_on_error=False,
        times_to_headers=True,
    ),
    generation="stopSequences temperature thinkingConfig topP presencePenalty frequencyPenalty "
    "maxOutputTokens seed responseMimeType responseSchema",
    writes_no_tools=True,
    parse_text_has_body=False,
    streams_code=True,
    counts_unknown=True,
    usage_from="last",
)
