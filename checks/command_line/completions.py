"""The completions of three shells: each is read by its shell, and bash really completes."""

import os
import pathlib
import subprocess
import tempfile

from checks.harness.tally import Tally

# What is typed, and what must be among the offers.
_TYPED = {
    "postrider endp": "endpoint",
    "postrider endpoint ro": "rotate-secret",
    "postrider dead-letter replay --end": "--endpoint",
    "postrider status --wa": "--watch",
}
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
            asked = subprocess.run(
                ["bash", "-c", _ASK, "bash", pathlib.Path(directory, "bash"), typed], capture_output=True, text=True,
                env=os.environ | {"PATH": f"{executable.parent}:{os.environ['PATH']}"})
            offers = asked.stdout.split()
            tally.check(f"bash completes {typed!r}", None if wanted in offers else f"{offers} {asked.stderr}")
