"""Which candidates are worth keeping: those that nothing beats somewhere. Pure. Cold.

One average would keep only generalists. Here a candidate stays that is the best on some datapoint, as long as
no other is at least as good on all of them: what it learned may be joined with what others did.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

from tzproxy.optimization.gepa.scores import Goals, Scores, dominates, vector


def find_frontier(scores: Mapping[str, Scores], datapoint_ids: Sequence[str], goals: Goals) -> dict[str, int]:
    """Return the candidates to keep, each with the number of datapoints that nothing beats it on.

    Args:
        scores: of each candidate on the same datapoints, by its name.
        datapoint_ids: the datapoints.
        goals: the evaluators.
    """
    wins = dict.fromkeys(scores, 0)
    for datapoint_id in datapoint_ids:
        vectors = {name: vector(of, (datapoint_id,), goals) for name, of in scores.items()}
        # Few vectors differ, however many candidates there are: most evaluators say yes or no.
        different = set(vectors.values())
        best = {one for one in different if not any(dominates(other, one) for other in different)}
        for name, one in vectors.items():
            wins[name] += one in best
    whole = {name: vector(scores[name], datapoint_ids, goals) for name, count in wins.items() if count}
    return {
        name: wins[name]
        for name, one in whole.items()
        if not any(dominates(other, one) for other in whole.values())
    }


def draw_parent(frontier: Mapping[str, int], random: Random) -> str:
    """Draw a candidate: the more datapoints it is best on, the likelier."""
    (name,) = random.choices(list(frontier), weights=list(frontier.values()))
    return name
