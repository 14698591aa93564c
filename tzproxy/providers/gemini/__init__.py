"""Gemini's content protocol, once, for Google AI Studio and Vertex AI.

Layout: `wire` (what is on the wire), `rules` (what differs between the two), `request`, `schema`, `tools`,
`response`, `stream`, `provider` and `build` (tie them together).
"""
