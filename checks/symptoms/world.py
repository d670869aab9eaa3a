"""A database, a receiver, a worker on which all is well, and the commands of the table."""

import contextlib
import dataclasses
import pathlib
import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator

from checks.harness.postgres import Postgres, Session, own, postgres
from checks.harness.processes import Failure, wait_until
from checks.harness.product import Postrider, Worker, built_executable
from checks.symptoms.page import Look
from checks.symptoms.receiver import receiver

# What the placeholders of the table stand for.
Named = dict[str, str]


@dataclasses.dataclass
class World:
    server: Postgres
    # On a database of its own name, so that it lives on while ours takes no connections.
    session: Session
    postrider: Postrider
    receiver: str
    programs: contextlib.ExitStack
    worker: Worker
    # A small file system that can be filled; None where none may be mounted.
    disk: pathlib.Path | None
    began: float = 0.0
    # Where readiness is asked.
    health: str = ""

    def start_worker(self) -> None:
        self.worker = self.programs.enter_context(self.postrider.worker())
        self.health = self.worker.address

    def begin(self) -> None:
        """The fault is made now."""
        self.began = time.monotonic()

    def endpoint(self, name: str, path: str, *options: str) -> None:
        self.postrider.run("endpoint", "add", name, self.receiver + path, "--event-type", name, *options)

    def remove(self, name: str) -> None:
        self.postrider.run("endpoint", "remove", name, "--yes")

    def publish(self, kind: str, payload: str = "{}", key: str | None = None) -> str:
        with self.server.session() as session:
            return str(session.value(
                "INSERT INTO postrider.outbox (event_type, payload, ordering_key) VALUES (%s, %s, %s) RETURNING id", kind, payload, key))

    def wait_until_delivered(self, number: str) -> None:
        with self.server.session() as session:
            wait_until("an event is delivered", lambda: session.value(
                "SELECT count(*) FROM postrider.event_deliveries WHERE event_id = %s AND status = 'delivered'", int(number)) == 1, 20)

    def wait_until_well(self) -> None:
        try:
            wait_until("all is well", lambda: "All is well." in self._run("postrider status"), 40, 0.2)
        except Failure as failure:
            raise Failure(f"{failure}; it says: {self._run('postrider status')}") from None

    def says(self, look: Look, named: Named) -> bool:
        text = look.text
        for placeholder, value in named.items():
            text = text.replace(placeholder, value)
        return Look(look.command, text).is_met(self.output(look, named))

    def output(self, look: Look, named: Named) -> str:
        command = look.command.replace("127.0.0.1:8080", self.health)
        for placeholder, value in named.items():
            command = command.replace(placeholder, value)
        return self._run(command)

    def _run(self, command: str) -> str:
        words = shlex.split(command)
        if words[0] == "postrider":
            words[0] = str(self.postrider.executable)
        done = subprocess.run(words, env=self.postrider.environment, capture_output=True, text=True, timeout=60)
        return done.stdout + done.stderr


@contextlib.contextmanager
def world() -> Iterator[World]:
    with contextlib.ExitStack() as programs:
        server = programs.enter_context(postgres())
        disk = programs.enter_context(_small_disk())
        address = programs.enter_context(receiver())
        postrider = Postrider(built_executable(), server)
        postrider.run("migrate")
        session = programs.enter_context(Session(server.url.replace("/postgres?", "/template1?")))
        worker = programs.enter_context(postrider.worker())
        made = World(server, session, postrider, address, programs, worker, disk, health=worker.address)
        made.endpoint("good", "/200")
        made.wait_until_delivered(made.publish("good"))
        yield made


@contextlib.contextmanager
def _small_disk() -> Iterator[pathlib.Path | None]:
    folder = pathlib.Path(tempfile.mkdtemp(prefix="postrider-disk-"))
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "symptoms", folder], capture_output=True).returncode == 0
    try:
        folder.chmod(0o755)
        if mounted:
            (folder / "space").mkdir()
            own(folder / "space")
        yield folder if mounted else None
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", folder], check=True)
        shutil.rmtree(folder, ignore_errors=True)
