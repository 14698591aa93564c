"""The chat-completions wire without its JSON: a conversation becomes messages.

Run: pytest benchmarks/test_chat_wire.py --benchmark-only; answers: test_providers.py.
"""

from pytest_benchmark.fixture import BenchmarkFixture

from tzproxy.providers.chat_completions.messages import build_messages
from tzproxy.providers.chat_completions.provider import message_rules
from tzproxy.providers.chat_completions.rows import OPENAI
from tzproxy.types.content import Message, Text


def test_build_messages(benchmark: BenchmarkFixture) -> None:
    """A system text and three turns of one text each. Budget: 1 us."""
    rules = message_rules(OPENAI, "gpt-4o-mini")
    turns = [
        Message("user", [Text("Weather in Oslo?")]),
        Message("assistant", [Text("Rain.")]),
        Message("user", [Text("And tomorrow?")]),
    ]
    assert len(benchmark(build_messages, rules, "Be brief.", turns)) == 4
