"""Rate limits: which rules a request falls under, and the buckets they draw from."""
