"""Counts checks and says how each went."""

import dataclasses


@dataclasses.dataclass
class Tally:
    passed: int = 0
    failed: int = 0

    def check(self, what: str, problem: str | None) -> None:
        """Prints a line. `problem` is what is wrong; with None or an empty text the check passes."""
        if problem:
            self.failed += 1
            print(f"FAILED  {what}: " + problem.strip().replace("\n", "\n        "), flush=True)
        else:
            self.passed += 1
            print(f"ok      {what}", flush=True)

    def count(self, passed: int) -> None:
        """Adds checks that passed and are not worth a line each."""
        self.passed += passed

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed"
