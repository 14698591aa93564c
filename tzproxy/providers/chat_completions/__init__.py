"""The OpenAI chat-completions protocol, once; services that speak it are rows of data in `rows`.

Layout: `wire` (what is on the wire), `row` (what may differ), `messages`, `thoughts`, `tools`,
`json_mode` and `body` (request), `response` and `usage`, `stream`, `provider` (ties them together).
"""
