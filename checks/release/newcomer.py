"""A person with README.md and three shells: from the file that they got to the first event that arrives."""

import contextlib
import pathlib
import re
import subprocess
import tempfile
import time

from checks import ROOT
from checks.documents.network import own_network
from checks.documents.page import Block, blocks
from checks.harness.processes import Failure, wait_until
from checks.release.root import Root

README = ROOT / "README.md"
FIRST_STEPS = "Ten minutes with your own database"
# How long one block may take.
PATIENCE_S = 120

# Does each block that is written for it, and says how it ended. Blocks keep their variables and folder, as a person's do.
_SHELL = """
cd
for ((number = 1; ; number++)); do
    while [[ ! -e /root/.blocks/$SHELL_OF-$number ]]; do sleep 0.05; done
    . "/root/.blocks/$SHELL_OF-$number" </dev/null
    echo "block $number ended with $?"
done
"""


def section(title: str) -> list[Block]:
    """The blocks that a reader sees in one section of README.md."""
    text = re.sub(r"<!-- hidden.*?-->", "", README.read_text(), flags=re.DOTALL)
    found = re.search(rf"^(##+) {re.escape(title)}\n(.*?)(?=^##|\Z)", text, re.MULTILINE | re.DOTALL)
    if not found:
        raise Failure(f"README.md has no section {title!r}")
    return [block for block in blocks(found[2]) if block.language == "sh"]


class Newcomer:
    def __init__(self, root: Root, logs: pathlib.Path) -> None:
        self._root, self._logs = root, logs
        self._numbers: dict[str, int] = {}
        (root.path / "root/.shell").write_text(_SHELL)
        (root.path / "root/.blocks").mkdir()

    def types(self, shell: str, text: str) -> int:
        """Hands a block to a shell, and returns its number there."""
        number = self._numbers[shell] = self._numbers.get(shell, 0) + 1
        written = self._root.path / f"root/.blocks/.{shell}-{number}"
        written.write_text(text)
        written.rename(written.with_name(f"{shell}-{number}"))
        return number

    def does(self, shell: str, text: str) -> None:
        number = self.types(shell, text)
        ended = wait_until(
            f"the block ends: {text}\n{self.saw(shell)}",
            lambda: re.search(rf"^block {number} ended with (\d+)$", self.saw(shell), re.MULTILINE), PATIENCE_S)
        if ended and ended[1] != "0":
            raise Failure(f"a block of {shell} failed:\n{text}\n{self.saw(shell)[-2000:]}")

    def saw(self, shell: str) -> str:
        return (self._logs / f"{shell}.log").read_text(errors="replace")


def first_event(root: Root, install: str) -> float:
    """Follows a way to install and the first steps, and returns how many seconds it took until the event had arrived."""
    with tempfile.TemporaryDirectory(prefix="postrider-newcomer-") as folder, contextlib.ExitStack() as stack:
        logs = pathlib.Path(folder)
        person, began = Newcomer(root, logs), time.monotonic()
        # It is in the machine's network, since apt needs that; the others see nothing but each other.
        stack.enter_context(root.shell(logs / "first.log"))
        stack.enter_context(own_network())
        for block in section(install):
            person.does("first", block.text)
        others: list[tuple[str, Block]] = []
        for block in section(FIRST_STEPS):
            until = re.fullmatch(r'background until="(.+)"', block.directive("run") or "")
            if not until:
                person.does("first", block.text)
                continue
            name = ("second", "third")[len(others)]
            others.append((name, block))
            process = stack.enter_context(root.shell(logs / f"{name}.log"))
            person.types(name, block.text)
            _await(person, name, until[1], process)
        wait_until(f"the event arrives\n{person.saw('second')}", lambda: "order.paid" in person.saw("second"), 30)
        took = time.monotonic() - began
        person.does("first", "postrider doctor")
        return took


def _await(person: Newcomer, shell: str, text: str, process: "subprocess.Popen[bytes]") -> None:
    wait_until(
        f"{shell} says {text!r}", lambda: text in person.saw(shell) or process.poll() is not None or "ended with" in person.saw(shell),
        PATIENCE_S)
    if text not in person.saw(shell):
        raise Failure(f"{shell} never said {text!r}:\n{person.saw(shell)}")
