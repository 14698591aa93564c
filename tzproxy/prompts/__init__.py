"""Prompts: templates that print what MiniJinja would print, and the JSON Schemas of their arguments.

Owns the compiled templates and the compiled schemas. Reads files only while a configuration is loaded, never
while a request is served.
"""

from tzproxy.prompts.json_schema import JsonSchema
from tzproxy.prompts.templates import TemplateSet

__all__ = ["JsonSchema", "TemplateSet"]
