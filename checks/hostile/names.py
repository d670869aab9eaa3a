"""The answers of a name server (RFC 1035, section 4), as a table of names tells them."""

import dataclasses
import ipaddress
import struct
from collections.abc import Sequence

_A, _CNAME, _AAAA, _IN = 1, 5, 28, 1
NO_SUCH_NAME, SERVER_FAILURE, SILENCE = 3, 2, -1


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a question for a name gets: addresses, through other names (`aliases`), or a response code."""

    addresses: Sequence[str] = ()
    aliases: Sequence[str] = ()
    code: int = 0
    lifetime_s: int = 60


class Zone:
    """What is told of each name: one answer a look-up, the last one for ever. A key such as `*.example` is for all below it."""

    def __init__(self, told: dict[str, Answer | list[Answer]]) -> None:
        self._told = {name: answer if isinstance(answer, list) else [answer] for name, answer in told.items()}
        self._asked: dict[tuple[str, int], int] = {}
        # Every name that was asked for, with or without an answer.
        self.names: set[str] = set()

    def reply(self, question: bytes) -> bytes | None:
        """None for silence."""
        name, kind, end = _read(question)
        self.names.add(name)
        answers = self._told.get(name) or next(
            (told for key, told in self._told.items() if key.startswith("*") and name.endswith(key[1:])), [Answer(code=NO_SUCH_NAME)])
        place = self._asked.get((name, kind), 0)
        self._asked[name, kind] = place + 1
        answer = answers[min(place, len(answers) - 1)]
        if answer.code == SILENCE:
            return None
        records = [] if answer.code else list(_records(name, kind, answer))
        head = question[:2] + struct.pack("!HHHHH", 0x8180 | answer.code, 1, len(records), 0, 0)
        return head + question[12:end] + b"".join(records)


def _records(name: str, kind: int, answer: Answer) -> list[bytes]:
    records, question = [], name
    for alias in answer.aliases:
        records.append(_record(name, question, _CNAME, answer.lifetime_s, _encode(alias)))
        name = alias
    for text in answer.addresses:
        address = ipaddress.ip_address(text)
        if kind == (_A if address.version == 4 else _AAAA):
            records.append(_record(name, question, kind, answer.lifetime_s, address.packed))
    return records


def _record(name: str, question: str, kind: int, lifetime_s: int, content: bytes) -> bytes:
    # The question's name is a pointer to it, so that twenty addresses fit into a datagram.
    return (b"\xc0\x0c" if name == question else _encode(name)) + struct.pack("!HHIH", kind, _IN, lifetime_s, len(content)) + content


def _encode(name: str) -> bytes:
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def _read(question: bytes) -> tuple[str, int, int]:
    """Name, type, and where the question ends."""
    labels, place = [], 12
    while length := question[place]:
        labels.append(question[place + 1:place + 1 + length].decode("ascii", "replace").lower())
        place += 1 + length
    return ".".join(labels), int.from_bytes(question[place + 1:place + 3], "big"), place + 5
