"""Two ranked lists → one."""

from collections.abc import Sequence

Ranked = Sequence[tuple[int, float]]


def fuse(lists: Sequence[tuple[Ranked, float]], k: int) -> list[tuple[int, float]]:
    """Weighted sum of min-max normalised scores (Bruch et al. 2023), at most `k`, best first, ties by row.

    `lists` are (ranked rows with scores, weight). A list's scale and offset do not matter; a row that a list lacks gets 0
    from it, as its last row does.
    """
    total: dict[int, float] = {}
    for ranked, weight in lists:
        if not ranked:
            continue
        top, bottom = max(s for _, s in ranked), min(s for _, s in ranked)
        spread = top - bottom
        for row, score in ranked:
            total[row] = total.get(row, 0.0) + weight * ((score - bottom) / spread if spread else 1.0)
    return sorted(total.items(), key=lambda item: (-item[1], item[0]))[:k]
