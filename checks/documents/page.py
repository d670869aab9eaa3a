"""What a page of Markdown holds that can be tested: its fenced blocks, each with the directives above it."""

import dataclasses
import re
from collections.abc import Iterator

_DIRECTIVE = re.compile(r"<!-- ([a-z][a-z ]*): (.*?) -->$")
_FENCE = re.compile(r"( *)```([a-z]*)$")
# Everything else that Markdown takes for a fence, in a quotation or a list too. It would go untested.
_OTHER_FENCE = re.compile(r"[\s>*+-]*(?:\d+[.)]\s+)?(?:```|~~~)")


@dataclasses.dataclass
class Block:
    """One fenced block, or (without a language and text) a directive that stands for itself."""

    line: int
    language: str
    text: str
    directives: dict[str, str]
    # Whether nothing but blank lines stands between this block and the one before it.
    is_adjacent: bool

    def directive(self, name: str) -> str | None:
        return self.directives.get(name)


class Malformed(Exception):
    """The page itself cannot be read; the text says where and why."""


def blocks(text: str) -> list[Block]:
    """The blocks of a page, in order. `<!-- hidden` makes blocks that are run and not shown; its `-->` ends it."""
    found: list[Block] = []
    directives: dict[str, str] = {}
    adjacent = True
    lines = iter(enumerate(text.splitlines(), 1))
    for number, line in lines:
        stripped = line.strip()
        if fence := _FENCE.match(line):
            content = _content(lines, fence, number)
            found.append(Block(number, fence[2], content, directives, adjacent))
            directives, adjacent = {}, True
        elif _OTHER_FENCE.match(line):
            raise Malformed(f"line {number}: write this fence as ``` and its language, and nothing else on the line")
        elif directive := _DIRECTIVE.match(stripped):
            name, value = directive.groups()
            if name in ("setup", "stop"):
                found.append(Block(number, "", "", {name: value}, False))
            else:
                directives[name] = value
        elif stripped and stripped not in ("<!-- hidden", "-->"):
            if directives:
                raise Malformed(f"line {number}: a directive stands above this line, which begins no block")
            adjacent = False
    if directives:
        raise Malformed("the page ends with a directive that belongs to no block")
    return found


def _content(lines: Iterator[tuple[int, str]], fence: re.Match[str], number: int) -> str:
    indent, kept = len(fence[1]), list[str]()
    for _, line in lines:
        if line.strip() == "```":
            return "".join(text + "\n" for text in kept)
        kept.append(line[min(indent, len(line) - len(line.lstrip(" "))):])
    raise Malformed(f"line {number}: this block has no end")
