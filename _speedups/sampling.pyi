from collections.abc import Collection, Iterable, Mapping, Sequence

def episode_unit(function_name: str, episode: bytes) -> float: ...

class Sampler:
    names: tuple[str, ...]
    fallbacks: tuple[str, ...]
    def __init__(
        self,
        function_name: str,
        variants: Iterable[str],
        weights: Mapping[str, float] | None = None,
        fallbacks: Sequence[str] = (),
    ) -> None: ...
    def first(self, episode: bytes) -> str | None: ...
    def after(self, episode: bytes, tried: Collection[str]) -> str | None: ...
