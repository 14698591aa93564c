"""The template language: MiniJinja's syntax and semantics, compiled and run by jinja2.

Owns everything that decides which text a template yields. Knows nothing of configurations or requests.
"""
