"""What an identifier costs. Run: pytest benchmarks/test_ids.py --benchmark-only."""

from pytest_benchmark.fixture import BenchmarkFixture

from tzproxy._speedups.ids import format_uuid, new_uuid7, parse_uuid, uuid_time_ms


def test_new_uuid7(benchmark: BenchmarkFixture) -> None:
    """A fresh identifier as text; an inference takes three."""
    assert len(benchmark(new_uuid7)) == 36


def test_parse_uuid(benchmark: BenchmarkFixture) -> None:
    """An episode's identifier out of a request."""
    assert len(benchmark(parse_uuid, new_uuid7())) == 16


def test_format_uuid(benchmark: BenchmarkFixture) -> None:
    """And back to text."""
    text = new_uuid7()
    assert benchmark(format_uuid, parse_uuid(text)) == text


def test_uuid_time_ms(benchmark: BenchmarkFixture) -> None:
    """The time inside it."""
    assert benchmark(uuid_time_ms, parse_uuid(new_uuid7())) > 0
