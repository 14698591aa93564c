"""The flags of `tzproxy evaluate`, those of the original's `evaluations`. The work is done in `evaluate`."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer


def evaluate(  # noqa: PLR0913 - one parameter for each flag
    variant_name: Annotated[str, typer.Option("--variant-name", "-v", help="The variant to evaluate.")],
    config_file: Annotated[
        str, typer.Option("--config-file", help="TOML file, or a glob of files; not read with --gateway-url.")
    ] = "./config/tensorzero.toml",
    gateway_url: Annotated[
        str | None, typer.Option("--gateway-url", help="A gateway that runs; else one in this process.")
    ] = None,
    evaluation_name: Annotated[
        str | None, typer.Option("--evaluation-name", "-e", help="A configured evaluation.")
    ] = None,
    function_name: Annotated[
        str | None, typer.Option("--function-name", help="A function, with --evaluator-names.")
    ] = None,
    evaluator_names: Annotated[
        str | None, typer.Option("--evaluator-names", metavar="A,B", help="Evaluators of that function.")
    ] = None,
    dataset_name: Annotated[str | None, typer.Option("--dataset-name", "-d", help="A dataset.")] = None,
    datapoint_ids: Annotated[
        str | None, typer.Option("--datapoint-ids", metavar="ID,ID", help="Datapoints of one dataset.")
    ] = None,
    concurrency: Annotated[
        int, typer.Option("--concurrency", "-c", min=1, help="Datapoints under way at once.")
    ] = 1,
    format_: Annotated[str, typer.Option("--format", "-f", metavar="pretty|jsonl")] = "pretty",
    inference_cache: Annotated[
        str, typer.Option("--inference-cache", metavar="on|off|read_only|write_only")
    ] = "on",
    max_datapoints: Annotated[
        int | None, typer.Option("--max-datapoints", min=0, help="Not more of the dataset than that.")
    ] = None,
    adaptive_stopping_precision: Annotated[
        str | None,
        typer.Option(
            "--adaptive-stopping-precision",
            metavar="E=P,...",
            help="Half width of the 95% interval at which an evaluator stops.",
        ),
    ] = None,
    cutoffs: Annotated[
        str | None,
        typer.Option("--cutoffs", metavar="E=C,...", help="Exit with status 1 when a mean is worse."),
    ] = None,
    data_dir: Annotated[
        Path, typer.Option("--data-dir", help="Directory of the embedded store, without --gateway-url.")
    ] = Path(".tzproxy"),
) -> None:
    """Evaluate a variant on datapoints: answers scored one by one, then a mean for each evaluator."""
    if (evaluation_name is None) == (function_name is None and evaluator_names is None):
        raise typer.BadParameter("either --evaluation-name, or --function-name with --evaluator-names")
    if (function_name is None) != (evaluator_names is None):
        raise typer.BadParameter("--function-name and --evaluator-names need each other")
    if (dataset_name is None) == (datapoint_ids is None):
        raise typer.BadParameter("either --dataset-name or --datapoint-ids")
    for flag, names in (("--evaluator-names", evaluator_names), ("--datapoint-ids", datapoint_ids)):
        if names is not None and not _names(names):
            raise typer.BadParameter(f"{flag}: the list is empty")
    if datapoint_ids is not None and max_datapoints is not None:
        raise typer.BadParameter("--max-datapoints cannot be used with --datapoint-ids")
    if format_ not in ("pretty", "jsonl"):
        raise typer.BadParameter(f"--format: invalid value '{format_}', expected pretty or jsonl")
    if inference_cache not in ("on", "off", "read_only", "write_only"):
        raise typer.BadParameter(f"--inference-cache: invalid value '{inference_cache}'")
    precision = read_values(adaptive_stopping_precision, "precision")
    wanted = read_values(cutoffs, "cutoff")

    from tzproxy.cli import evaluate as work  # noqa: PLC0415 - other commands need none of it

    request = {
        "evaluation_name": evaluation_name,
        "function_name": function_name,
        "evaluator_names": _names(evaluator_names),
        "dataset_name": dataset_name,
        "datapoint_ids": _names(datapoint_ids),
        "variant_name": variant_name,
        "concurrency": concurrency,
        "inference_cache": inference_cache,
        "max_datapoints": max_datapoints,
        "precision_targets": precision or None,
    }
    options = work.EvaluateOptions(
        request={key: value for key, value in request.items() if value is not None},
        is_jsonl=format_ == "jsonl",
        cutoffs=wanted,
        gateway_url=gateway_url,
        config_file=config_file,
        data_dir=data_dir,
    )
    raise typer.Exit(work.run(options))


def read_values(text: str | None, what: str) -> dict[str, float]:
    """Read `name=value` pairs with commas between them; values are not negative.

    Raises:
        typer.BadParameter: naming the pair that is none.
    """
    if text is None:
        return {}
    if not text.strip():
        raise typer.BadParameter(f"the {what} list is empty")
    values: dict[str, float] = {}
    for pair in text.split(","):
        name, sign, number = pair.partition("=")
        if not sign or not name.strip():
            raise typer.BadParameter(
                f"Invalid {what} format: `{pair}`. Expected format: evaluator_name=value"
            )
        try:
            value = float(number)
        except ValueError as exc:
            raise typer.BadParameter(f"Invalid {what} value for `{name}`: `{number}`") from exc
        if math.isnan(value) or value < 0:
            raise typer.BadParameter(f"{what} value must be non-negative, got {number}")
        values[name.strip()] = value
    return values


def _names(text: str | None) -> list[str] | None:
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]
