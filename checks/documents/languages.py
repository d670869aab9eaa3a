"""How a block of each language is run: as a command for the shell of its page."""

import pathlib
import shlex

from checks.documents.page import Block

# File name ending and command line. The rest of the block's directives decide whether it is run at all.
_PROGRAMS = {
    "python": ("py", "python3 {file}"),
    "javascript": ("js", "node {file}"),
    "go": ("go", "go run {file}"),
    "java": ("java", "java {file}"),
}
# What `make test` does not need to have.
OPTIONAL = {"javascript", "go", "java"}


def command(block: Block, directory: pathlib.Path) -> str | None:
    """The shell text that runs a block; None when its language is not one that is run."""
    if block.language == "sh":
        return block.text
    name = f".block-at-line-{block.line}"
    if block.language == "sql":
        path = pathlib.Path(directory, name + ".sql")
        path.write_text(block.text)
        return f"psql -Xq -v ON_ERROR_STOP=1 -P pager=off -f {shlex.quote(str(path))}\n"
    if block.language not in _PROGRAMS:
        return None
    ending, line = _PROGRAMS[block.language]
    path = pathlib.Path(directory, f"snippet{block.line}.{ending}")
    path.write_text(block.text)
    return line.format(file=shlex.quote(str(path))) + "\n"
