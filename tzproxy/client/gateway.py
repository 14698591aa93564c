"""`TensorZeroGateway`: the client that blocks. Its methods and their arguments are those of TensorZero's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self, Unpack

from tzproxy.client import calls, evaluations, store_calls, tuning
from tzproxy.client.arguments import (
    EvaluationArguments,
    FeedbackArguments,
    InferenceArguments,
    OptimizationWorkflowArguments,
    takes,
)
from tzproxy.client.base import BaseTensorZeroGateway, embedded, http_address
from tzproxy.client.evaluations import EvaluationJobHandler
from tzproxy.client.ids import Id
from tzproxy.client.optimization import OptimizationNamespace
from tzproxy.client.reading import read_chunk
from tzproxy.client.transport import Transport
from tzproxy.client.types.answers import (
    FeedbackResponse,
    InferenceChunk,
    InferenceResponse,
    WorkflowEvaluationRunEpisodeResponse,
    WorkflowEvaluationRunResponse,
)
from tzproxy.client.types.datapoints import (
    ChangedDatapoint,
    CreateDatapointsFromInferenceRequestParams,
    CreateDatapointsResponse,
    DeleteDatapointsResponse,
    GetDatapointsResponse,
    ListDatapointsRequest,
    NewDatapoint,
    UpdateDatapointMetadataRequest,
    UpdateDatapointsResponse,
)
from tzproxy.client.types.inferences import GetInferencesResponse, ListInferencesRequest
from tzproxy.client.types.optimization import OptimizationJobHandle, OptimizationJobInfo, RenderedSample


class TensorZeroGateway(BaseTensorZeroGateway):
    """A gateway, from a program that waits for its answers. A context manager; safe to use from threads."""

    _transport: Transport

    @classmethod
    def build_http(
        cls,
        *,
        gateway_url: str,
        timeout: float | None = None,
        verbose_errors: bool = False,
        api_key: str | None = None,
    ) -> Self:
        """Make a client of a gateway that listens at a URL; nothing is sent yet.

        Args:
            gateway_url: `http://HOST:PORT`, with the base path if the gateway has one.
            timeout: seconds that a whole request may take; for ever if not given.
            verbose_errors: taken for compatibility; errors always tell what is known.
            api_key: sent with each request; the environment's `TENSORZERO_API_KEY` if not given.

        Raises:
            ValueError: for what is no URL, or no time.
            TensorZeroInternalError: for a key that no header can hold.
        """
        from tzproxy.client.http import HttpCarrier  # noqa: PLC0415 - not for embedded gateways

        return cls._made(Transport(HttpCarrier(http_address(gateway_url, timeout, api_key))))

    @classmethod
    def build_embedded(
        cls,
        *,
        config_file: str | None = None,
        clickhouse_url: str | None = None,
        postgres_url: str | None = None,
        valkey_url: str | None = None,
        timeout: float | None = None,
        data_dir: str | Path | None = None,
    ) -> Self:
        """Start a gateway inside of this process: no server, no port. See the client's README.

        Args:
            config_file: a TOML file or a glob of them; without one there are only the default functions.
            clickhouse_url: where rows go; without one, into the embedded store of the data directory.
            postgres_url: taken for compatibility.
            valkey_url: where rate limits are counted; else where the environment says, else in `data_dir`.
            timeout: seconds that a whole request may take; for ever if not given.
            data_dir: where the embedded store and rows on their way live: `.tzproxy` if not given.

        Raises:
            TensorZeroInternalError: when the configuration is wrong or the store cannot be reached.
        """
        del postgres_url
        return cls._made(Transport(embedded(config_file, clickhouse_url, data_dir, timeout, valkey_url)))

    @takes(InferenceArguments)
    def inference(
        self, **arguments: Unpack[InferenceArguments]
    ) -> InferenceResponse | Iterator[InferenceChunk]:
        """Ask for an answer: whole, or as an iterator over its pieces when `stream` is set.

        Raises:
            TensorZeroError: when the gateway answers with an error.
            TensorZeroInternalError: when it does not answer.
        """
        call = calls.inference(arguments)
        if arguments.get("stream"):
            return self._transport.stream(call, read_chunk)
        return self._transport.send(call)

    @takes(FeedbackArguments)
    def feedback(self, **arguments: Unpack[FeedbackArguments]) -> FeedbackResponse:
        """Say how an inference or an episode turned out. Raises as `inference`."""
        return self._transport.send(calls.feedback(arguments))

    def workflow_evaluation_run(
        self,
        *,
        variants: dict[str, str],
        tags: dict[str, str] | None = None,
        project_name: str | None = None,
        display_name: str | None = None,
    ) -> WorkflowEvaluationRunResponse:
        """Begin a run that pins variants. Raises as `inference`."""
        return self._transport.send(calls.begin_run(variants, tags, project_name, display_name))

    def workflow_evaluation_run_episode(
        self, *, run_id: Id, task_name: str | None = None, tags: dict[str, str] | None = None
    ) -> WorkflowEvaluationRunEpisodeResponse:
        """Begin an episode of a run. Raises as `inference`."""
        return self._transport.send(calls.begin_episode(run_id, task_name, tags))

    def create_datapoints(
        self, *, dataset_name: str, requests: Sequence[NewDatapoint]
    ) -> CreateDatapointsResponse:
        """Create datapoints. Raises as `inference`."""
        return self._transport.send(store_calls.create_datapoints(dataset_name, requests))

    def update_datapoints(
        self, *, dataset_name: str, requests: Sequence[ChangedDatapoint]
    ) -> UpdateDatapointsResponse:
        """Update datapoints, which get new ids; `OMIT` keeps a field. Raises as `inference`."""
        return self._transport.send(store_calls.update_datapoints(dataset_name, requests))

    def update_datapoints_metadata(
        self, *, dataset_name: str, requests: Sequence[UpdateDatapointMetadataRequest | Mapping[str, Any]]
    ) -> UpdateDatapointsResponse:
        """Rename datapoints, which keep their ids. Raises as `inference`."""
        return self._transport.send(store_calls.update_datapoints_metadata(dataset_name, requests))

    def get_datapoints(self, *, ids: Sequence[Id], dataset_name: str | None = None) -> GetDatapointsResponse:
        """Look datapoints up. Raises as `inference`."""
        return self._transport.send(store_calls.get_datapoints(dataset_name, ids))

    def list_datapoints(
        self, *, dataset_name: str, request: ListDatapointsRequest | Mapping[str, Any]
    ) -> GetDatapointsResponse:
        """List datapoints (`ListDatapointsRequest`). Raises as `inference`."""
        return self._transport.send(store_calls.list_datapoints(dataset_name, request))

    def delete_datapoints(self, *, dataset_name: str, ids: Sequence[Id]) -> DeleteDatapointsResponse:
        """Delete datapoints. Raises as `inference`."""
        return self._transport.send(store_calls.delete_datapoints(dataset_name, ids))

    def delete_dataset(self, *, dataset_name: str) -> DeleteDatapointsResponse:
        """Delete all datapoints of a dataset. Raises as `inference`."""
        return self._transport.send(store_calls.delete_dataset(dataset_name))

    def create_datapoints_from_inferences(
        self,
        *,
        dataset_name: str,
        params: CreateDatapointsFromInferenceRequestParams | Mapping[str, Any],
        output_source: str | None = None,
    ) -> CreateDatapointsResponse:
        """Create datapoints from stored inferences. Raises as `inference`."""
        return self._transport.send(
            store_calls.create_datapoints_from_inferences(dataset_name, params, output_source)
        )

    def get_inferences(
        self, *, ids: Sequence[Id], function_name: str | None = None, output_source: str = "inference"
    ) -> GetInferencesResponse:
        """Look stored inferences up. Raises as `inference`."""
        return self._transport.send(store_calls.get_inferences(ids, function_name, output_source))

    def list_inferences(self, *, request: ListInferencesRequest | Mapping[str, Any]) -> GetInferencesResponse:
        """List stored inferences (`ListInferencesRequest`). Raises as `inference`."""
        return self._transport.send(store_calls.list_inferences(request))

    @takes(EvaluationArguments)
    def experimental_run_evaluation(self, **arguments: Unpack[EvaluationArguments]) -> EvaluationJobHandler:
        """Run an evaluation; return an iterator over its results once it has started.

        Raises:
            TensorZeroError: when the gateway refuses.
            TensorZeroInternalError: when it does not answer, or the run does not start.
        """
        return EvaluationJobHandler(self._transport.stream(evaluations.run_evaluation(arguments), bytes))

    @takes(OptimizationWorkflowArguments)
    def experimental_launch_optimization_workflow(
        self, **arguments: Unpack[OptimizationWorkflowArguments]
    ) -> OptimizationJobHandle:
        """Learn from what is stored; return the handle of the job that was launched.

        Raises:
            ValueError: for arguments that do not go together.
            TensorZeroError: when the gateway answers with an error.
            TensorZeroInternalError: when it does not answer.
        """
        return self._transport.send(tuning.launch_workflow(arguments))

    def experimental_poll_optimization(self, *, job_handle: OptimizationJobHandle) -> OptimizationJobInfo:
        """Say how far a job is. Raises as `inference`."""
        return self._transport.send(tuning.poll(job_handle))

    def experimental_render_samples(
        self, *, stored_samples: Sequence[Any], variants: dict[str, str], concurrency: int | None = None
    ) -> list[RenderedSample]:
        """Render inferences or datapoints with a variant of each function; those that fail are missing.

        Deprecated. Raises as `inference`, and:

        Raises:
            ValueError: over HTTP.
        """
        tuning.check_can_render(self._is_embedded)
        return self._transport.send(tuning.render_samples(stored_samples, variants, concurrency))

    def experimental_launch_optimization(
        self, *, train_samples: list[Any], val_samples: list[Any] | None = None, optimization_config: Any
    ) -> OptimizationJobHandle:
        """Learn from rendered samples; return the handle of the job that was launched. Deprecated.

        Raises:
            ValueError: for settings of no optimiser.
            TensorZeroError: when the gateway answers with an error.
            TensorZeroInternalError: over HTTP.
        """
        tuning.check_can_launch(self._is_embedded)
        return self._transport.send(tuning.launch(train_samples, val_samples, optimization_config))

    @property
    def optimization(self) -> OptimizationNamespace:
        """The optimizers."""
        return OptimizationNamespace(self._transport)

    def close(self) -> None:
        """Let go of connections; an embedded gateway ends when all its rows are handed on."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
