"""The executable: where it is, its commands, and a worker."""

import contextlib
import os
import pathlib
import subprocess
import tempfile
from collections.abc import Iterator, Sequence

from checks import ROOT
from checks.harness.postgres import Postgres
from checks.harness.processes import Failure, ask, free_port, program, wait_until

_KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "LD_LIBRARY_PATH")


def built_executable() -> pathlib.Path:
    """What POSTRIDER_BIN names, or else the release build of this tree."""
    executable = pathlib.Path(os.environ.get("POSTRIDER_BIN") or ROOT / ".build/release/postrider").resolve()
    if not os.access(executable, os.X_OK):
        raise Failure(f"there is no executable {executable}; build it: make build")
    return executable


class Worker:
    def __init__(self, process: subprocess.Popen[bytes], address: str, log: pathlib.Path) -> None:
        self.process, self.pid, self.address, self.log = process, process.pid, address, log

    def is_ready(self) -> bool:
        if self.process.poll() is not None:
            raise Failure(f"the worker ended: {self.log.read_text()[-500:]}")
        return ask(f"http://{self.address}/readyz") is not None


class Postrider:
    """One executable on one database, with settings of its own: what the caller has set for Postrider does not count."""

    def __init__(self, executable: pathlib.Path, server: Postgres) -> None:
        self.executable = executable
        self.environment = {name: os.environ[name] for name in _KEPT if name in os.environ} | {
            "POSTRIDER_DATABASE_URL": server.url, "POSTRIDER_ALLOW_HTTP": "true", "POSTRIDER_ALLOWED_NETWORKS": "127.0.0.0/8",
            "POSTRIDER_HEALTH_LISTEN": f"127.0.0.1:{free_port()}",
        }

    def run(self, *words: str) -> str:
        """What a command printed; it must exit with 0."""
        done = subprocess.run([self.executable, *words], env=self.environment, capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            raise Failure(f"`postrider {' '.join(words)}` exits with {done.returncode}: {(done.stdout + done.stderr).strip()[-500:]}")
        return done.stdout

    @contextlib.contextmanager
    def worker(self, is_ready: bool = True, within: Sequence[str] = ()) -> Iterator[Worker]:
        """A worker; with `is_ready` the context begins when the worker says that it is. `within` is a command that runs another
        in its own place, such as unshare."""
        with tempfile.TemporaryDirectory(prefix="postrider-worker-") as folder:
            path = pathlib.Path(folder) / "log"
            with open(path, "w") as log, program(
                    [*within, self.executable, "worker"], env=self.environment, cwd=folder, stdout=log, stderr=log) as process:
                started = Worker(process, self.environment["POSTRIDER_HEALTH_LISTEN"], path)
                if is_ready:
                    wait_until("the worker is ready", started.is_ready, 30)
                yield started
