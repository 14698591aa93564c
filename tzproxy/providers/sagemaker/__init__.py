"""Models that speak the chat-completions protocol behind Amazon SageMaker, which carries and signs it."""
