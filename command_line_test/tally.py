"""Counts checks and says how each went."""


class Tally:
    def __init__(self):
        self.passed = self.failed = 0

    def check(self, what, problem):
        """`problem` is what is wrong, or nothing."""
        if problem:
            self.failed += 1
            print(f"FAILED  {what}: {problem}", flush=True)
        else:
            self.passed += 1
            print(f"ok      {what}", flush=True)
