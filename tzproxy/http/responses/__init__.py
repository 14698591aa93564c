"""OpenAI's Responses API in front of the engine, and what it shares with the other protocol of agents."""
