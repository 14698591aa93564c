"""The templates of one configuration, compiled together.

Owns rendering and its error texts. Hot: `render`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import jinja2
from jinja2 import meta
from jinja2.sandbox import SandboxedEnvironment

from tzproxy.errors import ConfigError, TemplateError


def _printed(value: object) -> object:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    return value


class TemplateSet:
    """Every template of a configuration, by key."""

    def __init__(self, sources: Mapping[str, str], *, base_path: str | None = None) -> None:
        """Compile everything.

        Args:
            sources: Template text by template key.
            base_path: Directory that includes may read from.

        Raises:
            ConfigError: With every finding.
        """
        self.included: dict[str, str] = {}
        self._environment = SandboxedEnvironment(
            undefined=jinja2.StrictUndefined,
            loader=jinja2.DictLoader(dict(sources)),
            finalize=_printed,
            extensions=["jinja2.ext.loopcontrols", "jinja2.ext.do"],
        )
        self._sources = dict(sources)
        self._render: dict[str, Callable[..., str]] = {}
        problems = []
        for key in sources:
            try:
                self._render[key] = self._environment.get_template(key).render
            except jinja2.TemplateSyntaxError as exc:
                problems.append(
                    f"Error rendering template {key}: Failed to add template: "
                    f"syntax error: {exc.message} (in {key}:{exc.lineno})"
                )
        if problems:
            raise ConfigError(problems)

    def __contains__(self, key: str) -> bool:
        return key in self._render

    def render(self, key: str, context: Mapping[str, object]) -> str:
        """Render one template.

        Raises:
            TemplateError: `Error rendering template KEY: ...`
        """
        try:
            return self._render[key](context)
        except KeyError as exc:
            raise TemplateError(f"Template not found: {key}") from exc
        except jinja2.TemplateError as exc:
            raise TemplateError(
                f"Error rendering template {key}: Could not render template: {exc} (in {key}:1)"
            ) from exc

    def variables(self, key: str) -> set[str]:
        """Names the template reads but does not set, nested ones as `user.name`."""
        return set(meta.find_undeclared_variables(self._environment.parse(self._sources[key])))

    def check_legacy_template(self, key: str, allowed: str) -> str | None:
        """Say what is wrong with a template without schema that may use only `allowed`; None if nothing."""
        needed = self.variables(key)
        if needed <= {allowed}:
            return None
        names = ", ".join(sorted(needed))
        return (
            f"template needs variables: [{names}] but only `{allowed}` is allowed when template has no schema"
        )
