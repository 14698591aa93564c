"""Chooses how requests to Google Cloud are authorized, from a configured credential. Cold."""

from __future__ import annotations

from tzproxy.config.credentials import Credential, FallbackCredential, SdkCredential, StaticCredential
from tzproxy.providers.credentials import FallbackHeaders, HeaderAuth, RequestHeaders, build_headers
from tzproxy.providers.gcp_auth import SdkHeaders, ServiceAccountHeaders
from tzproxy.providers.renewal import Renewed
from tzproxy.providers.settings import Surroundings
from tzproxy.upstream import HeaderBlock

_CONTINENTS = ("us", "eu")


def host_of(location: str) -> str:
    """Return the host of Vertex AI at a location: the whole world, a continent or a region.

    Source of the continents' hosts: Google's and Anthropic's libraries; the original does not know them.
    """
    if location == "global":
        return "aiplatform.googleapis.com"
    if location in _CONTINENTS:
        return f"aiplatform.{location}.rep.googleapis.com"
    return f"{location}-aiplatform.googleapis.com"


def build_gcp_headers(
    display: str, credential: Credential, *, host: str, surroundings: Surroundings
) -> RequestHeaders:
    """Prepare the headers of requests to one Google Cloud host.

    Raises:
        ConfigError: when the service account cannot be used, or the extra is missing.
    """
    match credential:
        case StaticCredential():
            return ServiceAccountHeaders(credential.value.reveal(), audience=f"https://{host}/")
        case SdkCredential():
            return sdk_headers(surroundings)
        case FallbackCredential():
            return FallbackHeaders(
                build_gcp_headers(display, credential.default, host=host, surroundings=surroundings),
                build_gcp_headers(display, credential.fallback, host=host, surroundings=surroundings),
            )
    return build_headers(HeaderAuth(display=display, optional=False), credential)


def sdk_headers(surroundings: Surroundings) -> SdkHeaders:
    """Prepare headers with tokens that Google's library fetches, one for all providers of a gateway.

    Raises:
        ConfigError: when the extra is missing.
    """
    from tzproxy.providers.gcp_default import DefaultCredentials  # noqa: PLC0415 - httpx is slow to load

    def tokens() -> Renewed[HeaderBlock]:
        return Renewed("GCP access token", DefaultCredentials(surroundings.upstream).fetch)

    return SdkHeaders(surroundings.shared("GCP access token", tokens))
