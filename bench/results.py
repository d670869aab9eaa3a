"""What a run found, scene by scene, as it is kept in a file and shown to people."""

import dataclasses
import json
import pathlib
from typing import Any

from bench.findings import Findings


@dataclasses.dataclass(frozen=True)
class Played:
    """One scene. `base` is what another executable did in the same run, `beside` what other programs did."""

    measured: Findings
    base: Findings | None
    beside: Findings | None
    # Of the run: when, with which executables and PostgreSQL, on which machine, and whether it was a quick one.
    circumstances: dict[str, str]

    def value(self, key: str) -> float | None:
        found = self.measured.value(key)
        return self.beside.value(key) if found is None and self.beside else found

    def as_json(self) -> dict[str, Any]:
        return {
            "circumstances": self.circumstances,
            "measured": self.measured.as_json(),
            "base": self.base and self.base.as_json(),
            "beside": self.beside and self.beside.as_json(),
        }

    @staticmethod
    def of_json(stored: dict[str, Any]) -> "Played":
        measured, base, beside = (stored[name] and Findings.of_json(stored[name]) for name in ("measured", "base", "beside"))
        return Played(measured, base, beside, stored["circumstances"])


Results = dict[str, Played]


def as_json(results: Results) -> str:
    return json.dumps({name: played.as_json() for name, played in results.items()}, ensure_ascii=False, indent=1) + "\n"


def read(path: pathlib.Path) -> Results:
    """Nothing when there is no such file."""
    if not path.exists():
        return {}
    return {name: Played.of_json(stored) for name, stored in json.loads(path.read_text()).items()}
