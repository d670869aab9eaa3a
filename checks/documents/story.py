"""Runs one page from top to bottom, as one story: the same directory, variables and database for all of it."""

import dataclasses
import json
import pathlib
import re
import subprocess
from typing import Literal

from checks.documents import expectation, languages
from checks.documents.page import Block, Malformed, blocks
from checks.documents.shell import Shell

_SETUP = {
    "migrated": "postrider migrate",
    "receiver": """export POSTRIDER_ALLOW_HTTP=true POSTRIDER_ALLOWED_NETWORKS=127.0.0.0/8
postrider endpoint add billing http://127.0.0.1:8081/ --event-type 'order.*' --secret whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw""",
}
_RECEIVE = "postrider receive --listen 127.0.0.1:8081 --secret whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

# What a person who follows a page has not set, so that the page must say it.
_OWN_VARIABLES = ("POSTRIDER_DATABASE_URL", "PGDATABASE")

# What is wrong with a block; None when it holds, and False when there was nothing to hold it to.
Problem = str | Literal[False] | None


@dataclasses.dataclass
class Result:
    passed: int = 0
    failures: list[tuple[int, str]] = dataclasses.field(default_factory=list)
    not_run: list[tuple[int, str]] = dataclasses.field(default_factory=list)


class Story:
    def __init__(self, page: pathlib.Path, root: pathlib.Path, shell: Shell, all_languages: bool) -> None:
        self.page, self.root, self.shell = page, root, shell
        self.all_languages = all_languages
        self.result = Result()
        # What the block before printed, if it was run and its output was kept.
        self.output: str | None = None
        # Whether the block before was left out, so that its output cannot be compared.
        self.is_left_out = False

    def tell(self) -> Result:
        try:
            for block in blocks(self.page.read_text()):
                problem = self._block(block)
                if problem:
                    self.result.failures.append((block.line, problem))
                elif problem is None:
                    self.result.passed += 1
        except Malformed as error:
            self.result.failures.append((1, str(error)))
        return self.result

    def _block(self, block: Block) -> Problem:
        if not block.language and not block.text:
            return self._set_up(block)
        if reason := block.directive("not run"):
            self.output = None
            self.result.not_run.append((block.line, reason))
            return False
        if name := block.directive("same as"):
            return None if block.text in (self.root / name).read_text() else f"it is not a part of {name}"
        if checker := block.directive("checked by"):
            return self._check(block, checker)
        if block.language in ("text", "json") and not block.directives.keys() - {"of"}:
            return self._compare(block)
        if not block.language:
            return False
        return self._run(block)

    def _run(self, block: Block) -> Problem:
        how = block.directive("run") or ""
        if file := re.fullmatch(r"file=(\S+)", how):
            pathlib.Path(self.shell.directory, file[1]).write_text(block.text)
            return False
        # A shell block may need what only `make docs-test` has.
        needs = {block.language, *(block.directive("needs") or "").split()}
        if needs & languages.OPTIONAL and not self.all_languages:
            self.output, self.is_left_out = None, True
            return False
        self.is_left_out = False
        text = languages.command(block, self.shell.directory)
        if text is None:
            return f"nothing says how a block of {block.language} is tested"
        if background := re.fullmatch(r'background until="(.+)"', how):
            self.output = None
            return self.shell.start(text, background[1])
        wanted = re.fullmatch(r"status=(\d+)", how)
        if how and not wanted and how != "error":
            return f"the directive run does not know {how!r}"
        status, self.output = self.shell.run(text)
        held = status == int(wanted[1]) if wanted else status not in (0, None) if how == "error" else status == 0
        return None if held else f"it ended with {status}:\n{self.output}"

    def _compare(self, block: Block) -> Problem:
        if block.directive("of") == "background":
            seen = self.shell.await_output(lambda: expectation.occurs(block.text, self.shell.output()))
            return None if seen else f"in the background this never came; there was:\n{self.shell.output()}"
        if block.language == "json" and not (block.is_adjacent and self.output is not None):
            try:
                json.loads(block.text)
            except ValueError as error:
                return f"it is no JSON: {error}"
            return None
        if self.output is None:
            return False if self.is_left_out else "no output stands before it that it could be compared with"
        if expectation.matches(block.text, self.output):
            return None
        return f"expected:\n{block.text}but it was:\n{self.output}"

    def _check(self, block: Block, checker: str) -> Problem:
        if checker != "promql":
            return f"there is no check named {checker}"
        rules = pathlib.Path(self.shell.directory, ".rules.json")
        rules.write_text(json.dumps({"groups": [{"name": "a", "rules": [{"record": "a", "expr": block.text}]}]}))
        done = subprocess.run(["promtool", "check", "rules", rules], capture_output=True, text=True)
        return None if done.returncode == 0 else done.stdout + done.stderr

    def _set_up(self, block: Block) -> Problem:
        if "stop" in block.directives:
            self.shell.stop()
            return False
        if block.directives["setup"] == "own-shells":
            self.shell.give_each_block_its_own(_OWN_VARIABLES)
            return False
        for word in block.directives["setup"].split():
            problem = self._prepare(word)
            if problem:
                return problem
        return False

    def _prepare(self, word: str) -> str | None:
        if word == "worker":
            return self.shell.start("postrider worker", "the worker is ready")
        if word not in _SETUP:
            return f"setup does not know {word}"
        if word == "receiver" and (problem := self.shell.start(_RECEIVE, "Listening on")):
            return problem
        status, output = self.shell.run(_SETUP[word])
        return None if status == 0 else f"the preparation ended with {status}:\n{output}"
