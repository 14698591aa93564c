"""Failures of whole stages of an inference, aggregated in the original's shape. Hot only when things fail."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from tzproxy.errors import RateLimitError, TemplateError, TzproxyError
from tzproxy.providers.errors import ProviderError


class AggregateError(TzproxyError):
    """Several attempts failed. `causes` are the single failures, in the order they happened.

    `names` says of each what was attempted.
    """

    intro: ClassVar[str]
    joint: ClassVar[str] = ", "

    def __init__(self, failures: Sequence[tuple[str, TzproxyError]]) -> None:
        self.names = tuple(name for name, _ in failures)
        self.causes = tuple(error for _, error in failures)
        super().__init__(self.text(debug=False))
        causes = self.causes
        if causes and causes[-1].status == RateLimitError.status and is_rate_limited(causes[-1]):
            self.status = RateLimitError.status

    def text(self, *, debug: bool) -> str:
        """Return the texts of all failures."""
        listed = zip(self.names, self.causes, strict=True)
        texts = (f"{name}: {error.text(debug=debug)}" for name, error in listed)
        return self.intro + self.joint.join(texts)


class AllProvidersFailedError(AggregateError):
    """Every provider of a model failed."""

    code = "all_model_providers_failed"
    intro = "All model providers failed to infer with errors: "


class AllRetriesFailedError(AggregateError):
    """A variant's retries are used up. Has the status of the last attempt."""

    code = "all_retries_failed"
    intro = "All retries failed with errors: "

    def __init__(self, failures: Sequence[TzproxyError]) -> None:
        super().__init__([("", error) for error in failures])
        self.status = failures[-1].status

    def text(self, *, debug: bool) -> str:
        """Return the texts of all attempts, which have no names."""
        return self.intro + self.joint.join(error.text(debug=debug) for error in self.causes)


class AllVariantsFailedError(AggregateError):
    """Every variant that could be sampled failed."""

    status = 502
    code = "all_variants_failed"
    intro = "All variants failed with errors: "
    joint = "\n"


class AllCandidatesFailedError(AggregateError):
    """Every candidate of a best-of-n or mixture-of-n variant failed."""

    status = 502
    code = "all_candidates_failed"
    intro = "All candidates failed with errors: "
    joint = "\n"


class DeadlineError(TzproxyError):
    """A configured timeout of a provider, model or variant passed."""

    status = 408
    code = "timeout"
    retryable = True


class TemplateMissingError(TemplateError):
    """A request names a template that this variant does not have."""

    code = "template_missing"

    def __init__(self, name: str) -> None:
        super().__init__(f"Template not found: {name}")


def duration_text(milliseconds: int) -> str:
    """Write a timeout as `300ms`, `1.5s` or `60s`."""
    return f"{milliseconds}ms" if milliseconds < 1000 else f"{milliseconds / 1000}".removesuffix(".0") + "s"


def is_rate_limited(error: TzproxyError) -> bool:
    """Tell whether the last failure underneath is the gateway's own rate limit."""
    while isinstance(error, AggregateError) and error.causes:
        error = error.causes[-1]
    return isinstance(error, RateLimitError)


def is_retryable(error: TzproxyError) -> bool:
    """Tell whether another attempt at the variant's model may help."""
    if isinstance(error, AllRetriesFailedError):
        return False
    if isinstance(error, AllProvidersFailedError):
        return any(is_retryable(cause) for cause in error.causes)
    return not isinstance(error, RateLimitError)


def iter_provider_errors(error: TzproxyError) -> Iterable[ProviderError]:
    """Yield the failed provider attempts under an error, in the order they happened."""
    if isinstance(error, ProviderError):
        yield error
    elif isinstance(error, AggregateError):
        for cause in error.causes:
            yield from iter_provider_errors(cause)
