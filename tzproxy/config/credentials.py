"""Finds the credentials that providers name, once, and says what is missing.

A missing value is a value here (`MissingCredential`): for configured models the load reports it, for
shorthand models the request does. Must not: show a secret in a text. Cold; requests use what was built.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tzproxy.config.locations import (
    DynamicLocation,
    EnvLocation,
    FallbackLocation,
    LiteralLocation,
    Location,
    NoneLocation,
    PathFromEnvLocation,
    PathLocation,
    SdkLocation,
    SettingLocation,
)
from tzproxy.config.provider_types import ProviderTypesConfig
from tzproxy.config.providers import (
    ApiKeyProviderConfig,
    AwsBedrockProviderConfig,
    AwsProviderConfig,
    BaseProviderConfig,
    GcpProviderConfig,
    provider_type,
)
from tzproxy.config.secret import Secret

__all__ = [
    "AwsKeysCredential",
    "Credential",
    "CredentialStore",
    "DynamicCredential",
    "DynamicSetting",
    "FallbackCredential",
    "MissingCredential",
    "NoCredential",
    "SdkCredential",
    "SdkSetting",
    "Secret",
    "Setting",
    "StaticCredential",
    "StaticSetting",
]


class StaticCredential(msgspec.Struct, frozen=True):
    """A value that was there at start-up; for GCP the text of the service account file."""

    value: Secret


class DynamicCredential(msgspec.Struct, frozen=True):
    """The request brings it as `credentials.NAME`."""

    name: str


class NoCredential(msgspec.Struct, frozen=True):
    """Nothing is sent."""


class SdkCredential(msgspec.Struct, frozen=True):
    """The provider's own tools find it."""


class MissingCredential(msgspec.Struct, frozen=True):
    """It should be there and is not; `message` says what was looked for."""

    message: str


class AwsKeysCredential(msgspec.Struct, frozen=True, kw_only=True):
    """An AWS key pair and perhaps a session token, each static or from the request."""

    access_key_id: SingleCredential
    secret_access_key: SingleCredential
    session_token: SingleCredential | None


class FallbackCredential(msgspec.Struct, frozen=True):
    """`fallback` serves when `default` has no value for the request."""

    default: SingleCredential
    fallback: SingleCredential


SingleCredential = StaticCredential | DynamicCredential | NoCredential | SdkCredential | MissingCredential
Credential = SingleCredential | FallbackCredential | AwsKeysCredential


class StaticSetting(msgspec.Struct, frozen=True):
    """A setting whose value is known."""

    value: str


class DynamicSetting(msgspec.Struct, frozen=True):
    """A setting that the request brings as `credentials.NAME`."""

    name: str


class SdkSetting(msgspec.Struct, frozen=True):
    """A setting that the provider's own tools find."""


class MissingSetting(msgspec.Struct, frozen=True):
    """A setting that should be there and is not."""

    message: str


Setting = StaticSetting | DynamicSetting | SdkSetting | MissingSetting


class CredentialRules(msgspec.Struct, frozen=True):
    """What one provider type accepts.

    Attributes:
        display: name in "Invalid api_key_location for X provider".
        missing_display: name in "API key missing for provider X".
        variable: environment variable of the default location.
        accepts: kinds of location, beside pairs of them.
    """

    display: str
    missing_display: str
    variable: str
    accepts: tuple[type, ...]


_KEY = (EnvLocation, DynamicLocation)
_KEY_OR_NONE = (EnvLocation, DynamicLocation, NoneLocation)
_GCP = (PathLocation, PathFromEnvLocation, DynamicLocation, SdkLocation)
RULES: dict[str, CredentialRules] = {
    "anthropic": CredentialRules("Anthropic", "Anthropic", "ANTHROPIC_API_KEY", _KEY),
    "azure": CredentialRules("Azure", "Azure", "AZURE_API_KEY", _KEY),
    "deepseek": CredentialRules("DeepSeek", "Deepseek", "DEEPSEEK_API_KEY", _KEY),
    "dummy": CredentialRules("Dummy", "Dummy", "", (DynamicLocation, NoneLocation)),
    "fireworks": CredentialRules("Fireworks", "Fireworks", "FIREWORKS_API_KEY", _KEY),
    "gcp_vertex_anthropic": CredentialRules(
        "GCPVertexAnthropic", "GCPVertexAnthropic", "GCP_VERTEX_CREDENTIALS_PATH", _GCP
    ),
    "gcp_vertex_gemini": CredentialRules(
        "GCPVertexGemini", "GCPVertexGemini", "GCP_VERTEX_CREDENTIALS_PATH", _GCP
    ),
    "google_ai_studio_gemini": CredentialRules(
        "Google AI Studio Gemini", "GoogleAIStudioGemini", "GOOGLE_AI_STUDIO_API_KEY", _KEY
    ),
    "groq": CredentialRules("Groq", "Groq", "GROQ_API_KEY", _KEY_OR_NONE),
    "hyperbolic": CredentialRules("Hyperbolic", "Hyperbolic", "HYPERBOLIC_API_KEY", _KEY),
    "mistral": CredentialRules("Mistral", "Mistral", "MISTRAL_API_KEY", _KEY),
    "openai": CredentialRules("OpenAI", "OpenAI", "OPENAI_API_KEY", _KEY_OR_NONE),
    "openrouter": CredentialRules("OpenRouter", "OpenRouter", "OPENROUTER_API_KEY", _KEY_OR_NONE),
    "sglang": CredentialRules("SGLang", "SGLang", "SGLANG_API_KEY", _KEY_OR_NONE),
    "tgi": CredentialRules("TGI", "TGI", "TGI_API_KEY", _KEY_OR_NONE),
    "together": CredentialRules("Together", "Together", "TOGETHER_API_KEY", _KEY),
    "vllm": CredentialRules("vLLM", "VLLM", "VLLM_API_KEY", _KEY_OR_NONE),
    "xai": CredentialRules("xAI", "XAI", "XAI_API_KEY", _KEY_OR_NONE),
}
_OLD_AZURE_VARIABLE = "AZURE_OPENAI_API_KEY"


class CredentialStore:
    """Resolves locations against the environment and the file system; defaults once for each type.

    A default is looked up when it is first needed, and the outcome stays, be it a value or an error.
    """

    def __init__(self, environ: Mapping[str, str], provider_types: ProviderTypesConfig) -> None:
        self._environ = environ
        self._provider_types = provider_types
        self._defaults: dict[str, Credential] = {}
        self.warnings: list[str] = []

    def __repr__(self) -> str:
        return "CredentialStore()"

    def credential(self, provider: BaseProviderConfig) -> Credential:
        """Return the provider's credential, or what is missing of it."""
        if isinstance(provider, AwsProviderConfig):
            return self._aws(provider)
        location = _own_location(provider)
        kind = provider_type(provider)
        return self.default_credential(kind) if location is None else self._resolve(kind, location)

    def default_credential(self, kind: str) -> Credential:
        """Return the default credential of a provider type, e.g. for its shorthand models; never raises."""
        if kind not in self._defaults:
            self._defaults[kind] = self._find_default(kind)
        return self._defaults[kind]

    def setting(self, location: SettingLocation) -> Setting | None:
        """Return a setting that may come from elsewhere, such as a region or an endpoint; None for `none`."""
        match location:
            case LiteralLocation(value):
                return StaticSetting(value)
            case DynamicLocation(name):
                return DynamicSetting(name)
            case SdkLocation():
                return SdkSetting()
            case NoneLocation():
                return None
        found = self._read(location)
        return MissingSetting(found[1]) if found[0] is None else StaticSetting(found[0].strip())

    def _find_default(self, kind: str) -> Credential:
        configured = self._provider_types.default_location(kind)
        if configured is not None:
            return self._resolve(kind, configured)
        if kind == "dummy":
            return NoCredential()
        if kind in ("aws_bedrock", "aws_sagemaker"):
            return SdkCredential()
        rules = RULES.get(kind)
        if rules is None:
            return MissingCredential(f"API key missing for provider {kind}: no default is known")
        variable = rules.variable
        if kind == "azure" and variable not in self._environ and _OLD_AZURE_VARIABLE in self._environ:
            variable = _OLD_AZURE_VARIABLE
            self.warnings.append(
                f"the environment variable `{variable}` is deprecated, use `{rules.variable}`"
            )
        if rules.accepts is _GCP:
            return self._resolve(kind, PathFromEnvLocation(variable))
        return self._resolve(kind, EnvLocation(variable))

    def _resolve(self, kind: str, location: Location) -> Credential:
        if isinstance(location, FallbackLocation):
            default = self._resolve_single(kind, location.default)
            fallback = self._resolve_single(kind, location.fallback)
            missing = [side.message for side in (default, fallback) if isinstance(side, MissingCredential)]
            return MissingCredential("; ".join(missing)) if missing else FallbackCredential(default, fallback)
        return self._resolve_single(kind, location)

    def _resolve_single(self, kind: str, location: SettingLocation) -> SingleCredential:
        rules = RULES[kind]
        if not isinstance(location, rules.accepts):
            key = "credential_location" if rules.accepts is _GCP else "api_key_location"
            return MissingCredential(f"Invalid {key} for {rules.display} provider")
        return self._resolve_unchecked(rules.missing_display, location)

    def _resolve_unchecked(self, display: str, location: SettingLocation) -> SingleCredential:
        match location:
            case DynamicLocation(name):
                return DynamicCredential(name)
            case NoneLocation():
                return NoCredential()
            case SdkLocation():
                return SdkCredential()
        value, reason = self._read(location)
        if value is None:
            return MissingCredential(f"API key missing for provider {display}: {reason}")
        return StaticCredential(Secret(value))

    def _read(self, location: SettingLocation) -> tuple[str | None, str]:
        """Return the text at a location, or None and why there is none."""
        if isinstance(location, EnvLocation):
            return self._environ.get(location.name), f"Environment variable `{location.name}` is missing"
        path = location.path if isinstance(location, PathLocation) else None
        if isinstance(location, PathFromEnvLocation):
            path = self._environ.get(location.name)
            if path is None:
                return None, f"Environment variable `{location.name}` for credentials path is missing"
        if path is None:
            return None, "No credentials are set"
        try:
            with open(path, encoding="utf-8") as stream:
                return stream.read(), ""
        except (OSError, UnicodeDecodeError) as exc:
            return None, f"Failed to read credentials file - {exc}"

    def _aws(self, provider: AwsProviderConfig) -> Credential:
        api_key = provider.api_key if isinstance(provider, AwsBedrockProviderConfig) else None
        if isinstance(api_key, (EnvLocation, DynamicLocation)):
            return self._aws_key("api_key", api_key)
        access, secret, token = provider.access_key_id, provider.secret_access_key, provider.session_token
        # Kinds and completeness of the keys are checked at load; here only what can be used is left.
        if isinstance(access, _KEY) and isinstance(secret, _KEY):
            keys = AwsKeysCredential(
                access_key_id=self._aws_key("access_key_id", access),
                secret_access_key=self._aws_key("secret_access_key", secret),
                session_token=self._aws_key("session_token", token) if isinstance(token, _KEY) else None,
            )
            for key in (keys.access_key_id, keys.secret_access_key, keys.session_token):
                if isinstance(key, MissingCredential):
                    return key
            return keys
        bearer = self._environ.get("AWS_BEARER_TOKEN_BEDROCK")
        if isinstance(provider, AwsBedrockProviderConfig) and bearer and access is None:
            return StaticCredential(Secret(bearer))
        return SdkCredential()

    def _aws_key(self, key: str, location: EnvLocation | DynamicLocation) -> SingleCredential:
        if isinstance(location, EnvLocation) and location.name not in self._environ:
            reason = f"Environment variable `{location.name}` is missing"
            return MissingCredential(f"API key missing for provider aws: `{key}`: {reason}")
        return self._resolve_unchecked("aws", location)


def _own_location(provider: BaseProviderConfig) -> Location | None:
    if isinstance(provider, ApiKeyProviderConfig):
        return provider.api_key_location
    return provider.credential_location if isinstance(provider, GcpProviderConfig) else None
