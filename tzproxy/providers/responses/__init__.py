"""OpenAI's Responses API.

Layout: `wire` (what is on the wire), `request`, `tools`, `response`, `stream`, `provider` (ties them
together).
"""
