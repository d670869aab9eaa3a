"""Quantiles, ratios and medians: all that is computed of what was measured."""

import math
import statistics
from collections.abc import Sequence

# Where a distribution is kept: dense at its end, which is what people ask for.
SHARES = [*(n / 100 for n in range(100)), 0.991, 0.993, 0.995, 0.997, 0.999, 1.0]


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest of the values that is not exceeded by `share` of them (nearest rank). `values` need not be sorted."""
    if not values:
        raise ValueError("there is no quantile of nothing")
    if not 0 <= share <= 1:
        raise ValueError(f"a share is from 0 to 1, not {share}")
    return sorted(values)[max(0, math.ceil(round(share * len(values), 9)) - 1)]


def distribution(values: Sequence[float]) -> list[float]:
    """The quantiles at SHARES."""
    ordered = sorted(values)
    return [quantile(ordered, share) for share in SHARES]


def ratio(value: float | None, reference: float | None) -> float | None:
    """How many times the reference; None where either is missing, or the reference is 0."""
    return None if value is None or not reference else value / reference


def median(values: Sequence[float | None]) -> float | None:
    """Of those that were measured."""
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None
