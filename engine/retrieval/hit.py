"""The hits of a search."""

# A passage's key in the store and its score: more is better, within one search only.
Hit = tuple[int, float]


def best_first(hits: list[Hit]) -> list[Hit]:
    """Sorted by falling score, and by key where scores are equal."""
    return sorted(hits, key=lambda hit: (-hit[1], hit[0]))
