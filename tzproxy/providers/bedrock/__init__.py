"""Amazon Bedrock's Converse API.

Layout: `wire` (what is on the wire), `request`, `response`, `stream`, `provider` (ties them together).
"""
