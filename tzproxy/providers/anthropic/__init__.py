"""Anthropic's messages protocol, once; Google's Vertex AI speaks it too.

Layout: `wire` (what is on the wire), `rules` (what differs between the two), `request`, `tools`,
`response`, `stream`, `provider` and `build` (tie them together).
"""
