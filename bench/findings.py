"""What a scene has found: figures with their units, distributions, what did not hold, and what a reader must know."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from bench.statistics import distribution, median, quantile, ratio


@dataclasses.dataclass(frozen=True)
class Figure:
    """`key` is for programs and stays, `title` is for people. `value` is None when it could not be measured."""

    key: str
    title: str
    value: float | None
    unit: str = ""


@dataclasses.dataclass
class Findings:
    figures: list[Figure] = dataclasses.field(default_factory=list)
    # Of each distribution the quantiles at statistics.SHARES, in milliseconds.
    curves: dict[str, list[float]] = dataclasses.field(default_factory=dict)
    faults: list[str] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)

    def add(self, key: str, title: str, value: float | None, unit: str = "") -> None:
        self.figures.append(Figure(key, title, None if value is None else round(value, 4), unit))

    def add_ratio(self, key: str, title: str, of: str, to: str) -> None:
        """Of two figures that are here already."""
        self.add(key, title, ratio(self.value(of), self.value(to)), "×")

    def add_waits(self, key: str, title: str, waits: Sequence[float], with_maximum: bool = True) -> None:
        """p50, p99 and the maximum of seconds, as milliseconds, and their distribution."""
        if not waits:
            self.faults.append(f"{title}: nothing was measured")
            return
        for name, share in (("p50", 0.5), ("p99", 0.99), ("max", 1.0))[: 3 if with_maximum else 2]:
            self.add(f"{key}_{name}_ms", f"{title}, {name}", quantile(waits, share) * 1000, "ms")
        self.curves[title] = [round(wait * 1000, 3) for wait in distribution(waits)]

    def value(self, key: str) -> float | None:
        return next((figure.value for figure in self.figures if figure.key == key), None)

    def as_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @staticmethod
    def of_json(stored: dict[str, Any]) -> "Findings":
        return Findings([Figure(**figure) for figure in stored["figures"]], stored["curves"], stored["faults"], stored["notes"])


def medians(rounds: Sequence[Findings]) -> Findings:
    """One for several: of each figure the median, of the distributions those of the last round, all that did not hold."""
    last = rounds[-1]
    return Findings(
        [dataclasses.replace(figure, value=median([one.value(figure.key) for one in rounds])) for figure in last.figures],
        last.curves,
        list(dict.fromkeys(fault for one in rounds for fault in one.faults)),
        last.notes,
    )
