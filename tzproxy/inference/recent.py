"""The inferences that this process recorded last, so that feedback on them need not ask the store. Hot.

Adding costs two entries of a dictionary and keeps nothing of a request alive but its ids. How many are kept
is bounded; what is older is in the store by then.
"""

from __future__ import annotations

from tzproxy.inference.function import Function
from tzproxy.inference.plan import Inference

KEPT = 4096


class RecentInferences:
    """Inference and episode ids by recency: at least the last `kept` inferences, at most twice as many.

    Two generations: a full young one becomes the old one, and the old one goes as a whole.
    """

    __slots__ = ("_episodes", "_inferences", "_kept", "_old_episodes", "_old_inferences")

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._inferences: dict[str, Function | None] = {}
        self._episodes: dict[str, None] = {}
        self._old_inferences: dict[str, Function | None] = {}
        self._old_episodes: dict[str, None] = {}

    def add(self, inference: Inference) -> None:
        """Remember a recorded inference."""
        # PERF: on the path of every recorded inference (test_recent_add)
        function = inference.function
        is_plain = (
            inference.tools is function.tools.prepared and inference.output_schema is function.output_schema
        )
        # Tools and schemas of the request itself are not kept: they may be large, and the store has them.
        self._inferences[inference.inference_id] = function if is_plain else None
        self._episodes[inference.episode_id] = None
        if len(self._inferences) >= self._kept:
            self._old_inferences, self._inferences = self._inferences, {}
            self._old_episodes, self._episodes = self._episodes, {}

    def has_inference(self, inference_id: str) -> bool:
        """Whether an inference is among the remembered ones."""
        return inference_id in self._inferences or inference_id in self._old_inferences

    def has_episode(self, episode_id: str) -> bool:
        """Whether a remembered inference belongs to an episode."""
        return episode_id in self._episodes or episode_id in self._old_episodes

    def function_of(self, inference_id: str) -> Function | None:
        """Return the function of a remembered inference that ran with the function's own tools and schema."""
        return self._inferences.get(inference_id) or self._old_inferences.get(inference_id)
