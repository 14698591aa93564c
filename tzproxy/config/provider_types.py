"""`[provider_types]`: settings that hold for all providers of one type.

Must not: resolve credentials. Cold.
"""

from __future__ import annotations

import msgspec

from tzproxy.config.locations import CredentialLocation, Location
from tzproxy.config.scalars import SecretText


class ApiKeyDefaults(msgspec.Struct, frozen=True, kw_only=True):
    """`[provider_types.T.defaults]`.

    Attributes:
        api_key_location: for providers without their own, shorthand models and optimizers; required.
    """

    api_key_location: CredentialLocation


class CredentialDefaults(msgspec.Struct, frozen=True, kw_only=True):
    """`[provider_types.gcp_vertex_*.defaults]`.

    Attributes:
        credential_location: for providers without their own, shorthand models and optimizers; required.
    """

    credential_location: CredentialLocation


class SimpleProviderTypeConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`[provider_types.T]` of most types.

    Attributes:
        defaults: default credential; absent means the type's environment variable.
    """

    defaults: ApiKeyDefaults | None = None


class FireworksSftSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[provider_types.fireworks.sft]`.

    Attributes:
        account_id: Fireworks account; required.
    """

    account_id: str


class FireworksTypeConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`[provider_types.fireworks]`.

    Attributes:
        defaults: default credential.
        sft: fine-tuning; default none.
    """

    defaults: ApiKeyDefaults | None = None
    sft: FireworksSftSettings | None = None


class TogetherSftSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[provider_types.together.sft]`.

    Attributes:
        wandb_api_key: Weights & Biases key; default none.
        wandb_base_url: Weights & Biases server; default none.
        wandb_project_name: Weights & Biases project; default none.
        hf_api_token: Hugging Face token; default none.
    """

    wandb_api_key: SecretText | None = None
    wandb_base_url: str | None = None
    wandb_project_name: str | None = None
    hf_api_token: SecretText | None = None


class TogetherTypeConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`[provider_types.together]`.

    Attributes:
        defaults: default credential.
        sft: fine-tuning; default none.
    """

    defaults: ApiKeyDefaults | None = None
    sft: TogetherSftSettings | None = None


class BatchWithoutStorage(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="storage_type",
    tag="none",
):
    """`[provider_types.gcp_vertex_gemini.batch] storage_type = "none"`."""


class BatchCloudStorage(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="storage_type",
    tag="cloud_storage",
):
    """`[provider_types.gcp_vertex_gemini.batch] storage_type = "cloud_storage"`.

    Attributes:
        input_uri_prefix: `gs://` prefix of inputs; required.
        output_uri_prefix: `gs://` prefix of outputs; required.
    """

    input_uri_prefix: str
    output_uri_prefix: str


class GcpVertexGeminiSftSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[provider_types.gcp_vertex_gemini.sft]`.

    Attributes:
        project_id: Google Cloud project; required.
        region: region of the tuning job; required.
        bucket_name: bucket for the data; required.
        bucket_path_prefix: folder in the bucket; default none.
        service_account: account the job runs as; default none.
        kms_key_name: encryption key; default none.
    """

    project_id: str
    region: str
    bucket_name: str
    bucket_path_prefix: str | None = None
    service_account: str | None = None
    kms_key_name: str | None = None


class GcpVertexGeminiTypeConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[provider_types.gcp_vertex_gemini]`.

    Attributes:
        batch: batch inference; default none.
        sft: fine-tuning; default none.
        defaults: default credential.
    """

    batch: BatchWithoutStorage | BatchCloudStorage | None = None
    sft: GcpVertexGeminiSftSettings | None = None
    defaults: CredentialDefaults | None = None


class GcpVertexAnthropicTypeConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[provider_types.gcp_vertex_anthropic]`.

    Attributes:
        defaults: default credential.
    """

    defaults: CredentialDefaults | None = None


class ProviderTypesConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[provider_types]`: one table for each type; all default to empty.

    Attributes:
        anthropic: table of this type.
        azure: table of this type.
        deepseek: table of this type.
        fireworks: table of this type.
        gcp_vertex_gemini: table of this type.
        gcp_vertex_anthropic: table of this type.
        google_ai_studio_gemini: table of this type.
        groq: table of this type.
        hyperbolic: table of this type.
        mistral: table of this type.
        openai: table of this type.
        openrouter: table of this type.
        sglang: table of this type.
        tgi: table of this type.
        together: table of this type.
        vllm: table of this type.
        xai: table of this type.
    """

    anthropic: SimpleProviderTypeConfig = SimpleProviderTypeConfig()
    azure: SimpleProviderTypeConfig = SimpleProviderTypeConfig()
    deepseek: SimpleProviderTypeConfig = SimpleProviderTypeConfig()
    fireworks: FireworksTypeConfig = FireworksTypeConfig()
    gcp_vertex_gemini: GcpVertexGeminiTypeConfig = GcpVertexGeminiTypeConfig()
    gcp_vertex_anthropic: GcpVertexAnthropicTypeConfig = GcpVertexAnthropicTypeConfig()
    google_ai_studio_gemini: SimpleProviderTypeConfig = SimpleProviderTypeConfig()
    groq: SimpleProviderTypeConfig = SimpleProviderTypeConfig()
    hyperbolic: SimpleProviderTypeConfig = SimpleProviderTypeConfig()
    mistral: SimpleProviderTypeConfig = SimpleProviderTypeConfig()
    openai: SimpleProviderTypeConfig = SimpleProviderTypeConfig()
    openrouter: SimpleProviderTypeConfig = SimpleProviderTypeConfig()
    sglang: SimpleProviderTypeConfig = SimpleProviderTypeConfig()
    tgi: SimpleProviderTypeConfig = SimpleProviderTypeConfig()
    together: TogetherTypeConfig = TogetherTypeConfig()
    vllm: SimpleProviderTypeConfig = SimpleProviderTypeConfig()
    xai: SimpleProviderTypeConfig = SimpleProviderTypeConfig()

    def default_location(self, provider_type: str) -> Location | None:
        """Return the configured default credential location of a type, or None."""
        defaults = getattr(getattr(self, provider_type, None), "defaults", None)
        if isinstance(defaults, ApiKeyDefaults):
            return defaults.api_key_location
        if isinstance(defaults, CredentialDefaults):
            return defaults.credential_location
        return None
