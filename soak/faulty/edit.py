"""Changes of the sources, named by the piece that they replace."""

import dataclasses
import re
from collections.abc import Callable, Iterable

# The text of a file, by its path below the tree.
Reader = Callable[[str], str]


class EditLost(Exception):
    """The sources are no longer as an edit expects them."""


@dataclasses.dataclass(frozen=True)
class Edit:
    path: str
    # Stands in the file as often as `times` says.
    piece: str
    instead: str
    times: int = 1

    def apply(self, text: str) -> str:
        found = text.count(self.piece)
        if found != self.times:
            raise EditLost(f"{self.path}: this stands there {found} times instead of {self.times}; soak/faulty must follow: {self.piece}")
        return text.replace(self.piece, self.instead)


def before(path: str, piece: str, statement: str) -> Edit:
    """Puts a statement on the line before the one that begins with `piece`."""
    return Edit(path, piece, f"{statement}\n{piece}")


def edited(edits: Iterable[Edit], read: Reader) -> dict[str, str]:
    """The new text of each file that is edited."""
    texts: dict[str, str] = {}
    for edit in edits:
        texts[edit.path] = edit.apply(texts.get(edit.path) or read(edit.path))
    return texts


def functions(edits: Iterable[Edit], read: Reader) -> list[str]:
    """Statements that replace the SQL functions in which these edits of migrations are."""
    statements = []
    for path, text in edited(edits, read).items():
        old = set(_functions(read(path)))
        statements += [new.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION", 1) for new in _functions(text) if new not in old]
    return statements


def _functions(text: str) -> list[str]:
    return re.findall(r"^CREATE FUNCTION (?:(?!^CREATE ).)*?^\$f\$;$", text, re.MULTILINE | re.DOTALL)
