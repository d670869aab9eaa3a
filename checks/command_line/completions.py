"""The completions of three shells: each is read by its shell, and really completes."""

import os
import pathlib
import subprocess
import tempfile

from checks.command_line.terminal import terminal
from checks.harness.product import Postrider
from checks.harness.tally import Tally

# What is typed, and what must be among the offers.
_TYPED = {
    "postrider endp": "endpoint",
    "postrider endpoint ro": "rotate-secret",
    "postrider dead-letter replay --end": "--endpoint",
    "postrider status --wa": "--watch",
    "postrider event list --status ret": "retrying",
    "postrider event list --error-code time": "timeout",
    "postrider endpoint update a --payload-format r": "raw",
}
# Shells that complete names only for a person, and what they need first.
_PERSONS = [
    ("zsh", ["zsh", "-f", "-i"], "unsetopt BEEP; autoload -Uz compinit && compinit -u -D; "),
    ("fish", ["fish", "--no-config", "--private"], ""),
]
_ASK = """
source "$1"
COMP_LINE=$2 COMP_POINT=${#2}
read -ra COMP_WORDS <<<"$2"
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_postrider postrider "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""


def completions(executable: pathlib.Path, tally: Tally) -> None:
    with tempfile.TemporaryDirectory() as directory:
        for shell in ("bash", "zsh", "fish"):
            script = pathlib.Path(directory, shell)
            script.write_text(subprocess.run(
                [executable, "--generate-completion-script", shell], check=True, capture_output=True, text=True).stdout)
            read = subprocess.run([shell, "-n", script], capture_output=True, text=True)
            problem = "they are empty" if not script.stat().st_size else read.stderr or "it refuses them" if read.returncode else None
            tally.check(f"{shell} reads its completions", problem)
        for typed, wanted in _TYPED.items():
            offers = _bash(pathlib.Path(directory, "bash"), typed, os.environ | _path(executable))
            tally.check(f"bash completes {typed!r}", None if wanted in offers else f"{offers}")
            offers = _fish(pathlib.Path(directory, "fish"), typed, os.environ | _path(executable) | {"HOME": directory})
            tally.check(f"fish completes {typed!r}", None if wanted in offers else f"{offers}")


def names(postrider: Postrider, tally: Tally) -> None:
    """Each offers the names of endpoints, and runs nothing that stands in one."""
    with tempfile.TemporaryDirectory() as directory:
        trap = pathlib.Path(directory, "trap")
        for name in ("europe-1", "europe-2", f"europe$(touch {trap})"):
            postrider.run("endpoint", "add", name, "http://127.0.0.1:8099/")
        for shell in ("bash", "zsh", "fish"):
            script = pathlib.Path(directory, shell)
            script.write_text(postrider.run("--generate-completion-script", shell))
        environment = postrider.environment | _path(postrider.executable) | {"HOME": directory}
        wanted = ["europe-1", "europe-2"]
        for typed in ("postrider endpoint pause eur", "postrider event list --endpoint eur"):
            offers = _bash(pathlib.Path(directory, "bash"), typed, environment)
            tally.check(f"bash offers names for {typed!r}", None if offers == wanted else f"{offers}")
            for shell, words, prepare in _PERSONS:
                screen = _screen(words, f"{prepare}source {pathlib.Path(directory, shell)}", typed, wanted, environment)
                tally.check(f"{shell} offers names for {typed!r}", None if all(name in screen for name in wanted) else screen)
        tally.check("no shell runs what a name holds", "it ran" if trap.exists() else None)


def _path(executable: pathlib.Path) -> dict[str, str]:
    return {"PATH": f"{executable.parent}:{os.environ['PATH']}"}


def _bash(script: pathlib.Path, typed: str, environment: dict[str, str]) -> list[str]:
    asked = subprocess.run(["bash", "-c", _ASK, "bash", script, typed], capture_output=True, text=True, env=environment)
    return asked.stdout.split() or [asked.stderr]


def _fish(script: pathlib.Path, typed: str, environment: dict[str, str]) -> list[str]:
    asked = subprocess.run(
        ["fish", "--no-config", "-c", "source $argv[1]; complete --do-complete=$argv[2]", script, typed],
        capture_output=True, text=True, env=environment)
    # Each with what it means behind a tab.
    return [line.split("\t")[0] for line in asked.stdout.splitlines()] or [asked.stderr]


def _screen(words: list[str], prepare: str, typed: str, wanted: list[str], environment: dict[str, str]) -> str:
    """What a terminal shows after the line was typed and Tab pressed twice."""
    with terminal(words, environment | {"TERM": "xterm" if words[0] == "fish" else "dumb"}) as shell:
        shell.type(f"{prepare}; echo rea''dy\n")
        shell.shows("ready")
        shell.type(f"{typed}\t\t")
        shell.shows(*wanted)
        return shell.screen
