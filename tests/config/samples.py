"""Pieces of configuration that many tests start from."""

from __future__ import annotations

MODEL = """
[models.m]
routing = ["p"]
[models.m.providers.p]
type = "openai"
model_name = "x"
api_key_location = "none"
"""
"""A model that needs no key."""

CHAT = (
    MODEL
    + """
[functions.f]
type = "chat"
[functions.f.variants.v]
type = "chat_completion"
model = "m"
"""
)
"""The model and a chat function with one variant; what follows belongs to the variant."""

JSON = (
    MODEL
    + """
[functions.j]
type = "json"
[functions.j.variants.v]
type = "chat_completion"
model = "m"
json_mode = "on"
"""
)
"""The model and a JSON function with one variant; what follows belongs to the variant."""

SCHEMA = '{"type":"object"}'
