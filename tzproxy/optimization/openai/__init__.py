"""Fine-tuning at OpenAI: supervised, and by reinforcement."""
