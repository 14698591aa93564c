"""What the AWS providers have in common.

Layout: `sigv4` (signatures), `key_sources` (who signs), `places` (regions and endpoints), `frames` (the
binary event stream), `provider` (ties them together).
"""
