"""The templates of one configuration, compiled together.

Owns rendering by key, what a template may include, and the error texts of both. Hot: `render`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tzproxy.errors import ConfigError, TemplateError
from tzproxy.prompts.dialect.environment import DialectEnvironment, Template
from tzproxy.prompts.dialect.failures import TemplateFailure, invalid
from tzproxy.prompts.dialect.variables import undeclared_variables
from tzproxy.prompts.includes import TemplateDirectory, iter_loaded_names


class TemplateSet:
    """Every template of a configuration, by key.

    Attributes:
        included: Files that templates have pulled in, by the name they are included by.
        warnings: What was noticed while loading and does not prevent it.
    """

    def __init__(self, sources: Mapping[str, str], *, base_path: str | None = None) -> None:
        """Compile everything.

        Args:
            sources: Template text by template key.
            base_path: Directory that templates may include files from; without it they can include each
                other only.

        Raises:
            ConfigError: With every finding.
        """
        self.included: dict[str, str] = {}
        self.warnings: list[str] = []
        self._directory = TemplateDirectory(base_path) if base_path is not None else None
        self._environment = DialectEnvironment()
        self._templates: dict[str, Template] = {}
        self._compile(sources)

    def extended(self, sources: Mapping[str, str]) -> TemplateSet:
        """These templates and some more, which arrived with a request; this set stays as it is.

        Raises:
            ConfigError: With every finding in the new ones.
        """
        larger = TemplateSet.__new__(TemplateSet)
        larger.included = dict(self.included)
        larger.warnings = []
        larger._directory = self._directory
        larger._environment = self._environment
        larger._templates = dict(self._templates)
        larger._compile(sources)
        return larger

    def __contains__(self, key: str) -> bool:
        return key in self._templates

    def render(self, key: str, context: Mapping[str, object]) -> str:
        """Render one template.

        Args:
            key: Key of the template.
            context: The variables: plain data as a JSON decoder returns it. It is not changed.

        Raises:
            TemplateError: `Error rendering template KEY: ...`
        """
        template = self._templates.get(key)
        if template is None:
            raise TemplateError(f"Template not found: {key}")
        try:
            return template.render(context if type(context) is dict else dict(context))
        except TemplateFailure as exc:
            raise TemplateError(
                f"Error rendering template {key}: Could not render template: {exc.describe_all()}"
            ) from exc

    def variables(self, key: str) -> set[str]:
        """Names that the template reads but does not set, attributes of them as `user.name`."""
        return undeclared_variables(self._templates[key].tree)

    def check_legacy_template(self, key: str, allowed: str) -> str | None:
        """Say what is wrong with a template without schema, which may read the name `allowed` only.

        Returns:
            The problem, None if there is none.
        """
        names = self.variables(key)
        if names <= {allowed}:
            return None
        needed = ", ".join(sorted(names))
        return (
            f"template needs variables: [{needed}] but only `{allowed}` is allowed "
            "when template has no schema"
        )

    # ---- loading

    def _compile(self, sources: Mapping[str, str]) -> None:
        problems: list[str] = []
        waiting = dict(sources)
        while waiting:
            key = next(iter(waiting))
            source = waiting.pop(key)
            try:
                template = Template(self._environment, key, source, self._find)
            except TemplateFailure as exc:
                problems.append(f"Error rendering template {key}: Failed to add template: {exc.describe()}")
                continue
            self._templates[key] = template
            if self._directory is not None:
                waiting.update(self._load_included(template, sources, self._directory, problems))
        if problems:
            raise ConfigError(problems)

    def _load_included(
        self,
        template: Template,
        sources: Mapping[str, str],
        directory: TemplateDirectory,
        problems: list[str],
    ) -> dict[str, str]:
        """Read the files that a template names and that are not known yet."""
        found: dict[str, str] = {}
        for loaded in iter_loaded_names(template.tree):
            if loaded.name is None:
                problems.append(
                    f"Template {template.name}, line {loaded.line}: with "
                    "`gateway.template_filesystem_access.base_path` the name in "
                    f"`{loaded.verb}` has to be a literal, found {loaded.reason}"
                )
            elif not (loaded.name in sources or loaded.name in self._templates or loaded.name in found):
                try:
                    found[loaded.name] = directory.read(loaded.name)
                except (OSError, UnicodeDecodeError) as exc:
                    self.warnings.append(
                        f"Template {template.name}, line {loaded.line}: "
                        f"`{loaded.name}` cannot be included: {exc}"
                    )
        self.included.update(found)
        return found

    def _find(self, name: Any) -> Template:
        """The template of this name, for another one that is being rendered."""
        template = self._templates.get(name)
        if template is not None:
            return template
        if self._directory is None:
            raise invalid(
                f"Could not load template '{name}' - if this a dynamic template included from the filesystem,"
                " please set `gateway.template_filesystem_access.enabled` to `true`"
            )
        raise invalid(f"Could not load template '{name}': the file was missing.")
