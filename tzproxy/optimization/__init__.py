"""What makes a function better from what was recorded of it: fine-tuned models, examples, prompts."""
