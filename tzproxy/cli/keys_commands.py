"""The flags of `tzproxy keys`. The work is done in `tzproxy.cli.keys`, loaded when a command runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

keys_app = typer.Typer(help="API keys of clients, for `[gateway.auth]`.", no_args_is_help=True)
DataDir = Annotated[Path, typer.Option("--data-dir", help="Directory of the embedded store.")]
LogFormat = Annotated[str, typer.Option("--log-format", metavar="pretty|json")]
DATA_DIR = Path(".tzproxy")


@keys_app.command()
def create(
    data_dir: DataDir = DATA_DIR,
    expiration: Annotated[
        str | None,
        typer.Option("--expiration", metavar="TIME", help="When it expires, such as 2030-12-31T23:59:59Z."),
    ] = None,
    description: Annotated[str, typer.Option("--description", help="What it is for; lists show it.")] = "",
    log_format: LogFormat = "pretty",
) -> None:
    """Make a key and print it. It cannot be shown again."""
    from tzproxy.cli import keys  # noqa: PLC0415 - other commands need none of it, and it takes half a second

    raise typer.Exit(keys.create(data_dir, log_format, expiration, description=description))


@keys_app.command("list")
def show(data_dir: DataDir = DATA_DIR, log_format: LogFormat = "pretty") -> None:
    """Print all keys, without their secrets."""
    from tzproxy.cli import keys  # noqa: PLC0415 - as above

    raise typer.Exit(keys.show(data_dir, log_format))


@keys_app.command("import")
def take_over(data_dir: DataDir = DATA_DIR, log_format: LogFormat = "pretty") -> None:
    """Take over keys of a TensorZero: its table in Postgres, as CSV with a heading, on stdin."""
    from tzproxy.cli import keys  # noqa: PLC0415 - as above

    raise typer.Exit(keys.take_over(data_dir, log_format, sys.stdin))


@keys_app.command()
def disable(
    public_id: Annotated[str, typer.Argument(help="The key's second part: sk-t0-PUBLIC_ID-...")],
    data_dir: DataDir = DATA_DIR,
    log_format: LogFormat = "pretty",
) -> None:
    """Disable a key, for good."""
    from tzproxy.cli import keys  # noqa: PLC0415 - as above

    raise typer.Exit(keys.disable(data_dir, log_format, public_id))
