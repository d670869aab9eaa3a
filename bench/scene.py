"""What a scene is: its name, what it shows, how it is measured, and which pictures are drawn of it."""

import dataclasses
from collections.abc import Callable

from bench.findings import Findings
from bench.stage import Stage


@dataclasses.dataclass(frozen=True)
class Bars:
    """One bar for each figure that was measured: (label, key)."""

    title: str
    unit: str
    bars: tuple[tuple[str, str], ...]


@dataclasses.dataclass(frozen=True)
class Curves:
    """The distributions whose name holds one of `names`; all of them without any."""

    title: str
    names: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Scene:
    """`beside` is measured once a run, not once an executable: what a reader compares with."""

    name: str
    title: str
    about: str
    seconds: int
    measure: Callable[[Stage], Findings]
    beside: Callable[[Stage], Findings] | None = None
    pictures: tuple[Bars | Curves, ...] = ()
