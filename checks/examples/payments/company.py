"""A company of the example: a database, a Postrider (a worker and an inbox), and programs of its own, each with no more rights than it needs."""

import contextlib
import os
import pathlib
import signal
import subprocess
from collections.abc import Sequence

from checks import ROOT
from checks.harness.postgres import Postgres, Session
from checks.harness.processes import Failure, free_port, program
from checks.harness.product import Postrider, built_executable
from checks.receiving.process import serve

FOLDER = ROOT / "examples/payments"
# Login roles of a company, and what each may do. Its programs log in as NAME, which its own SQL makes.
ROLES = {"worker": "postrider_worker", "inbox": "postrider_receiver"}


class Company:
    def __init__(self, name: str, server: Postgres) -> None:
        self.name, self._server = name, server
        self.inbox_address = f"127.0.0.1:{free_port()}"
        self._session: Session | None = None
        self._running: dict[str, contextlib.ExitStack] = {}
        self._pids: dict[str, int] = {}
        with server.session() as session:
            session.rows(f"CREATE DATABASE {name}")
        # An operator's commands, as the owner of the database.
        self.postrider = self._postrider("postgres")
        self.postrider.run("migrate")
        self._session: Session | None = None
        for suffix, role in ROLES.items():
            self.rows(f"CREATE ROLE {name}_{suffix} LOGIN IN ROLE {role}")
        self.rows((FOLDER / f"{name}.sql").read_text())

    def rows(self, sql: str, *parameters: object) -> list[tuple]:
        """What a statement finds in the company's database."""
        self._session = self._session or self._server.session(self.name)
        return self._session.rows(sql, *parameters)

    def session(self) -> Session:
        return self._server.session(self.name)

    def environment(self) -> dict[str, str]:
        """What a program of the company finds its database with."""
        return {"PATH": os.environ["PATH"], "PGHOST": str(self._server.root), "PGUSER": self.name, "PGDATABASE": self.name}

    def start(self, *what: str) -> None:
        """Starts `worker` and `inbox`."""
        for part in what:
            stack = self._running[part] = contextlib.ExitStack()
            postrider = self._postrider(f"{self.name}_{part}")
            if part == "worker":
                self._pids[part] = stack.enter_context(postrider.worker()).pid
            else:
                self._pids[part] = stack.enter_context(serve(postrider, self.inbox_address)).pid

    def start_program(self, name: str, arguments: Sequence[str | pathlib.Path], **environment: str) -> None:
        """Starts a program of the company's own. What it writes goes to our standard error."""
        stack = self._running[name] = contextlib.ExitStack()
        self._pids[name] = stack.enter_context(program(arguments, env=self.environment() | environment, stdout=subprocess.DEVNULL)).pid

    def run_program(self, arguments: Sequence[str | pathlib.Path], **environment: str) -> None:
        """Runs a program of the company's own to its end."""
        done = subprocess.run(arguments, env=self.environment() | environment, capture_output=True, text=True, timeout=30)
        if done.returncode != 0:
            raise Failure(f"{arguments[0]} exits with {done.returncode}: {(done.stdout + done.stderr).strip()[-500:]}")

    def kill(self, *what: str) -> None:
        """Ends parts and programs at once, without a word to them, as a power failure would."""
        for part in what:
            os.kill(self._pids[part], signal.SIGKILL)
        for part in what:
            self._running.pop(part).close()

    def close(self) -> None:
        for stack in self._running.values():
            stack.close()
        if self._session:
            self._session.__exit__()

    def _postrider(self, login: str) -> Postrider:
        postrider = Postrider(built_executable(), self._server)
        url = self._server.url.replace("/postgres?", f"/{self.name}?").replace("postgres@", f"{login}@")
        postrider.environment["POSTRIDER_DATABASE_URL"] = url
        return postrider
