"""The `tzproxy` command."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from tzproxy import __version__
from tzproxy.cli.evaluate_command import evaluate
from tzproxy.cli.keys_commands import keys_app

app = typer.Typer(
    name="tzproxy",
    help="An LLM gateway that speaks TensorZero's API, configuration and tables.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
COMMANDS = ("serve", "mock", "migrate", "keys", "evaluate")
app.add_typer(keys_app, name="keys")
app.command()(evaluate)
GLOBAL_FLAGS = ("--help", "-h", "--version")


def main() -> None:
    """Run the command line. Flags without a command are those of `serve`, as in the original."""
    arguments = sys.argv[1:]
    if arguments and arguments[0] not in COMMANDS and arguments[0] not in GLOBAL_FLAGS:
        arguments.insert(0, "serve")
    app(arguments)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tzproxy {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Hold the flags that need no command."""


def fail(message: str) -> typer.Exit:
    """Print an error and make the exit for it."""
    typer.echo(f"error: {message}", err=True)
    return typer.Exit(1)


@app.command()
def serve(  # noqa: PLR0913 - one parameter for each flag
    config_file: Annotated[
        str | None, typer.Option("--config-file", help="TOML file, or a glob of files.")
    ] = None,
    default_config: Annotated[
        bool, typer.Option("--default-config", help="Start with an empty configuration.")
    ] = False,
    bind_address: Annotated[
        str | None,
        typer.Option("--bind-address", metavar="IP:PORT", help="Where to listen (default 0.0.0.0:3000)."),
    ] = None,
    log_format: Annotated[str, typer.Option("--log-format", metavar="pretty|json")] = "pretty",
    data_dir: Annotated[
        Path, typer.Option("--data-dir", help="Rings, spool and the embedded store live here.")
    ] = Path(".tzproxy"),
    workers: Annotated[int, typer.Option("--workers", min=1, help="Worker processes.")] = 1,
    wake_at_once: Annotated[
        bool,
        typer.Option("--wake-at-once", help="Do not wait for a free processor: quicker on a busy machine."),
    ] = False,
    mock_port: Annotated[
        int | None,
        typer.Option("--mock-port", min=1, max=65535, help="Also run the mock provider on this port."),
    ] = None,
    validate_and_exit: Annotated[
        bool, typer.Option("--validate-and-exit", help="Start up to the stores, then exit 0.")
    ] = False,
    run_clickhouse_migrations: Annotated[
        bool,
        typer.Option("--run-clickhouse-migrations", "--run-migrations", help="Migrate the store, then exit."),
    ] = False,
    run_postgres_migrations: Annotated[bool, typer.Option("--run-postgres-migrations", hidden=True)] = False,
    create_api_key: Annotated[
        bool, typer.Option("--create-api-key", help="Make an API key, print it, then exit.")
    ] = False,
    expiration: Annotated[
        str | None,
        typer.Option(
            "--expiration", metavar="TIME", help="When the new key expires, such as 2030-12-31T23:59:59Z."
        ),
    ] = None,
    disable_api_key: Annotated[
        str | None,
        typer.Option("--disable-api-key", metavar="PUBLIC_ID", help="Disable an API key, then exit."),
    ] = None,
    migrate_config: Annotated[str | None, typer.Option("--migrate-config", hidden=True)] = None,
) -> None:
    """Run the gateway."""
    # `--version` and `mock` need none of this, and it takes half a second.
    from tzproxy.cli import early  # noqa: PLC0415
    from tzproxy.cli import serve as serving  # noqa: PLC0415

    if log_format not in ("pretty", "json"):
        raise fail(f"--log-format: invalid value '{log_format}', expected pretty or json")
    request = early.EarlyExit(
        validate=validate_and_exit,
        clickhouse_migrations=run_clickhouse_migrations,
        postgres_migrations=run_postgres_migrations,
        create_api_key=create_api_key,
        expiration=expiration,
        disable_api_key=disable_api_key,
        migrate_config=migrate_config,
    )
    problem = early.problem_of(request)
    if problem is not None:
        raise fail(problem)
    if run_clickhouse_migrations:
        raise typer.Exit(early.run_migrations(data_dir, log_format))
    if create_api_key or disable_api_key is not None:
        from tzproxy.cli import keys  # noqa: PLC0415

        if disable_api_key is not None:
            raise typer.Exit(keys.disable(data_dir, log_format, disable_api_key))
        raise typer.Exit(keys.create(data_dir, log_format, expiration))
    if config_file is not None and default_config:
        raise fail("You must not specify both `--config-file` and `--default-config`.")
    if config_file is None and not default_config:
        raise fail("You must specify either `--config-file` or `--default-config`.")
    raise typer.Exit(
        serving.run(
            serving.ServeOptions(
                config_file=config_file,
                bind_address=bind_address,
                data_dir=data_dir,
                log_format=log_format,  # type: ignore[arg-type]  # checked above
                workers=workers,
                wake_at_once=wake_at_once,
                mock_port=mock_port,
                validate_and_exit=validate_and_exit,
            )
        )
    )


@app.command()
def migrate(
    data_dir: Annotated[Path, typer.Option("--data-dir", help="Directory of the embedded store.")] = Path(
        ".tzproxy"
    ),
    log_format: Annotated[str, typer.Option("--log-format", metavar="pretty|json")] = "pretty",
) -> None:
    """Bring the store's schema up to date: TENSORZERO_CLICKHOUSE_URL, else the embedded store."""
    from tzproxy.cli import early  # noqa: PLC0415 - as above

    raise typer.Exit(early.run_migrations(data_dir, log_format))


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
)
def mock(context: typer.Context) -> None:
    """Run the mock provider: OpenAI-compatible, deterministic. `tzproxy mock --help` lists its flags."""
    from tzproxy.mock.options import parse_options  # noqa: PLC0415 - as above
    from tzproxy.mock.server import run_mock  # noqa: PLC0415

    options = parse_options(context.args)
    run_mock(options, ready=lambda port: typer.echo(f"mock provider on http://{options.host}:{port}/v1/"))


if __name__ == "__main__":
    main()
