"""What is measured: `postrider serve`, and FastAPI, each on a database of its own, until it answers."""

import contextlib
import dataclasses
import os
import sys
import tempfile
from collections.abc import Iterator

from bench.inbox.requests import PATH, SECRET
from bench.stage import Stage
from checks import ROOT
from checks.harness.postgres import Postgres
from checks.harness.processes import Failure, ask, free_port, program, wait_until
from checks.harness.product import Postrider

# What FastAPI stores into: one table with what an inbox needs, and no queue.
FASTAPI_TABLE = """
    CREATE TABLE inbox (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, received_at timestamptz NOT NULL DEFAULT now(), source text NOT NULL,
        webhook_id text NOT NULL, event_type text, content_type text, headers jsonb NOT NULL, body bytea NOT NULL,
        remote_address text NOT NULL, duplicates int NOT NULL DEFAULT 0, UNIQUE (source, webhook_id))
"""


@dataclasses.dataclass(frozen=True)
class Serving:
    """A server that stores what it receives, and its database."""

    port: int
    pid: int
    database: Postgres
    # How many requests are stored.
    count: str

    def stored(self) -> int:
        with self.database.session() as session:
            return int(session.value(self.count))


@contextlib.contextmanager
def postrider(stage: Stage) -> Iterator[Serving]:
    """With the rights of a receiver and no more."""
    with stage.installation() as installation, tempfile.TemporaryFile() as log:
        session = installation.session
        session.rows("CREATE ROLE bench_receiver LOGIN IN ROLE postrider_receiver")
        session.rows("SELECT postrider.add_source(%s, 'standard', ARRAY[%s])", PATH.removeprefix("/in/"), SECRET)
        installation.tidy()
        product = Postrider(installation.executable, installation.server)
        product.environment["POSTRIDER_DATABASE_URL"] = installation.server.url.replace("//postgres@", "//bench_receiver@")
        port = free_port()
        with program(
            [installation.executable, "serve", "--inbox", f"127.0.0.1:{port}"], env=product.environment, stdout=log, stderr=log
        ) as process:
            health = f"http://{product.environment['POSTRIDER_HEALTH_LISTEN']}/readyz"
            wait_until("the inbox is ready", lambda: process.poll() is not None or ask(health), 30)
            if process.poll() is not None:
                log.seek(0)
                raise Failure(f"serve ended: {log.read().decode()[-500:]}")
            yield Serving(port, process.pid, installation.server, "SELECT count(*) FROM postrider.inbox")


@contextlib.contextmanager
def fastapi(stage: Stage, workers: int) -> Iterator[Serving]:
    """As many processes of uvicorn as asked for."""
    with stage.database() as server, tempfile.TemporaryFile() as log:
        with server.session() as session:
            session.rows(FASTAPI_TABLE)
        port = free_port()
        command = [sys.executable, "-B", "-m", "uvicorn", "bench.inbox.fastapi_inbox:app", "--host", "127.0.0.1", "--port", str(port)]
        options = ["--workers", str(workers), "--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"]
        environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        environment |= {"INBOX_DATABASE": server.url, "INBOX_SECRET": SECRET}
        with program([*command, *options], env=environment, cwd=ROOT, stdout=log, stderr=log) as process:
            address = f"http://127.0.0.1:{port}/openapi.json"
            wait_until("FastAPI answers", lambda: process.poll() is not None or ask(address), 60)
            if process.poll() is not None:
                log.seek(0)
                raise Failure(f"uvicorn ended: {log.read().decode().strip()[-300:]}")
            yield Serving(port, process.pid, server, "SELECT count(*) FROM inbox")
