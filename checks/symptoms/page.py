"""Reads the table of docs/operations/symptoms.md."""

import dataclasses
import re

_LOOK = re.compile(r"`([^`]+)` says `([^`]+)`")


@dataclasses.dataclass(frozen=True)
class Look:
    command: str
    # What its output holds; … stands for anything.
    text: str

    def is_met(self, output: str) -> bool:
        parts = [r"\s+".join(map(re.escape, part.split())) for part in self.text.split("…")]
        return re.search(".*?".join(parts), output, re.DOTALL) is not None


@dataclasses.dataclass(frozen=True)
class Row:
    trouble: str
    sign: Look
    within_s: float
    looks: list[Look]


def rows(text: str) -> list[Row]:
    found = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) != 4 or not re.fullmatch(r"\d+ s", cells[2]):
            continue
        looks = [Look(*pair) for pair in _LOOK.findall(cells[3])]
        found.append(Row(cells[0], Look(*_LOOK.findall(cells[1])[0]), float(cells[2].split()[0]), looks))
    return found
