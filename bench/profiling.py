"""Where the time of the busy phase goes: statements by PostgreSQL's own count, functions by sampling."""

import contextlib
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator

from checks.harness.postgres import Postgres, Session
from checks.harness.processes import program
from checks.harness.product import Worker

LINES = 40


class Profile:
    """Use `aside` around the busy phase; `text` is what it found."""

    def __init__(self) -> None:
        self.text = ""

    @contextlib.contextmanager
    def aside(self, worker: Worker, server: Postgres) -> Iterator[None]:
        with server.session() as session:
            session.rows("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
            session.rows("SELECT pg_stat_statements_reset()")
            with tempfile.TemporaryDirectory(prefix="postrider-bench-perf-") as folder:
                data = pathlib.Path(folder) / "perf.data"
                with _sampling(worker.pid, data):
                    yield
                self.text = self._statements(session) + (self._functions(data) if data.exists() else "(perf gave nothing)\n")

    @staticmethod
    def _statements(session: Session) -> str:
        lines = ["calls        ms  ms/call      rows   buffers     WAL B  statement\n"]
        for calls, total, mean, rows, buffers, wal, query in session.rows(
                "SELECT calls, round(total_exec_time::numeric, 1), round(mean_exec_time::numeric, 3), rows, "
                "shared_blks_hit + shared_blks_read, wal_bytes, left(regexp_replace(query, '\\s+', ' ', 'g'), 90) "
                "FROM pg_stat_statements WHERE query NOT LIKE '%pg_stat_%' ORDER BY total_exec_time DESC LIMIT 12"):
            lines.append(f"{calls:>5} {total:>9} {mean:>8} {rows:>9} {buffers:>9} {wal:>9}  {query}\n")
        return "".join(lines)

    @staticmethod
    def _functions(data: pathlib.Path) -> str:
        """The worker's time by library, and then by function."""
        text = ""
        for keys in ("dso", "dso,symbol"):
            report = subprocess.run(
                ["perf", "report", "-i", data, "--stdio", "--no-children", "-g", "none", "--percent-limit", "0.5", "--sort", keys],
                capture_output=True, text=True).stdout
            lines = [line.rstrip() for line in report.splitlines() if line and not line.startswith("#")]
            text += "\n" + "".join(f"{line[:150]}\n" for line in lines[:LINES])
        return text


@contextlib.contextmanager
def _sampling(pid: int, data: pathlib.Path) -> Iterator[None]:
    if not shutil.which("perf"):
        yield
        return
    command: list[str | pathlib.Path] = ["perf", "record", "-q", "-e", "cpu-clock", "-F", "997", "-o", data, "-p", str(pid)]
    with program(command, parting=signal.SIGINT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
        time.sleep(0.2)
        yield
