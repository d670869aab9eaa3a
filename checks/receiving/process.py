"""A running `postrider serve`, as a role that may do no more than receive."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from checks.harness.postgres import Postgres
from checks.harness.processes import Failure, ask, free_port, program, wait_until
from checks.harness.product import Postrider, built_executable


class Inbox:
    """A running `postrider serve`."""

    def __init__(self, address: str, pid: int) -> None:
        self.host, port = address.split(":")
        self.port, self.pid = int(port), pid


@contextlib.contextmanager
def serve(postrider: Postrider, address: str | None = None) -> Iterator[Inbox]:
    address = address or f"127.0.0.1:{free_port()}"
    with tempfile.TemporaryDirectory(prefix="postrider-serve-") as folder:
        path = Path(folder) / "log"
        with open(path, "w") as log, program(
                [postrider.executable, "serve", "--inbox", address], env=postrider.environment, cwd=folder, stdout=log,
                stderr=log) as process:
            def is_ready() -> bool:
                if process.poll() is not None:
                    raise Failure(f"serve ended: {path.read_text()[-500:]}")
                return ask(f"http://{postrider.environment['POSTRIDER_HEALTH_LISTEN']}/readyz") is not None

            wait_until("the inbox is ready", is_ready, 30)
            yield Inbox(address, process.pid)


def as_receiver(server: Postgres) -> Postrider:
    """A fresh schema, and a process that may do no more than receive."""
    postrider = Postrider(built_executable(), server)
    postrider.run("migrate")
    with server.session() as session:
        session.rows("CREATE ROLE receiver LOGIN IN ROLE postrider_receiver")
    postrider.environment["POSTRIDER_DATABASE_URL"] = server.url.replace("postgres@", "receiver@")
    return postrider
