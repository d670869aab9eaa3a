"""Whether an output is what the document says it is."""

import re


def tidy(text: str) -> str:
    """Without blanks at the ends of lines, and without blank lines at the beginning and the end."""
    return "\n".join(line.rstrip() for line in text.splitlines()).strip("\n")


def matches(expected: str, actual: str) -> bool:
    """`…` in a line stands for anything on that line; a line of nothing but `…` for any number of lines."""
    return re.fullmatch(_pattern(expected), tidy(actual) + "\n") is not None


def occurs(expected: str, actual: str) -> bool:
    """Whether these lines stand somewhere in the output."""
    return re.search("^" + _pattern(expected), tidy(actual) + "\n", re.MULTILINE) is not None


def _pattern(expected: str) -> str:
    pattern = ""
    for line in tidy(expected).splitlines():
        if line.strip() == "…":
            pattern += r"(?:[^\n]*\n)*?"
        else:
            pattern += r"[^\n]*".join(map(re.escape, line.split("…"))) + r"\n"
    return pattern
