"""The troubles, made for real. Each lends what the placeholders of the table stand for, and is repaired at the end."""

import contextlib
import os
import pathlib
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator

from checks.harness.postgres import Session
from checks.harness.processes import free_port, wait_until
from checks.harness.product import Postrider
from checks.symptoms.receiver import SECRET
from checks.symptoms.world import Named, World

Trouble = Callable[[World], contextlib.AbstractContextManager[Named | None]]

_MILLION = 1_000_000


def _answers(path: str) -> Trouble:
    @contextlib.contextmanager
    def make(world: World) -> Iterator[Named]:
        world.endpoint("shop", path)
        world.begin()
        yield {"NAME": "shop", "ID": world.publish("shop")}
        world.remove("shop")

    return make


@contextlib.contextmanager
def _poisoned(world: World) -> Iterator[Named]:
    world.endpoint("shop", "/parse")
    world.publish("shop", '{"total": 1}')
    world.begin()
    number = world.publish("shop", '{"total": "poison"}')
    world.wait_until_delivered(world.publish("shop", '{"total": 2}'))
    yield {"NAME": "shop", "ID": number}
    world.remove("shop")


@contextlib.contextmanager
def _blocked(world: World) -> Iterator[Named]:
    world.endpoint("shop", "/parse")
    world.begin()
    first = world.publish("shop", '{"total": "poison"}', "order-7")
    behind = [world.publish("shop", f'{{"total": {n}}}', "order-7") for n in range(3)]
    yield {"NAME": "shop", "ID": behind[0], "FIRST": first}
    world.remove("shop")


@contextlib.contextmanager
def _away(world: World) -> Iterator[Named]:
    world.session.rows("ALTER DATABASE postgres ALLOW_CONNECTIONS false")
    world.session.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'postgres'")
    world.begin()
    yield {}
    world.session.rows("ALTER DATABASE postgres ALLOW_CONNECTIONS true")
    wait_until("the worker is ready", world.worker.is_ready, 30)


@contextlib.contextmanager
def _killed(world: World) -> Iterator[Named]:
    os.kill(world.worker.pid, signal.SIGKILL)
    world.begin()
    yield {}
    world.start_worker()


@contextlib.contextmanager
def _rotated(world: World) -> Iterator[Named]:
    world.endpoint("shop", "/verify", "--secret", SECRET)
    world.wait_until_delivered(world.publish("shop"))
    world.postrider.run("endpoint", "rotate-secret", "shop", "--grace", "0s", "--yes")
    world.begin()
    yield {"NAME": "shop", "ID": world.publish("shop")}
    world.remove("shop")


@contextlib.contextmanager
def _without_key(world: World) -> Iterator[Named]:
    """The endpoint is added with a key file, and the worker has none."""
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "key")
        file.write_text("1" * 64 + "\n")
        file.chmod(0o400)
        world.postrider.environment["POSTRIDER_SECRET_KEY_FILE"] = str(file)
        world.begin()
        world.endpoint("shop", "/200")
        del world.postrider.environment["POSTRIDER_SECRET_KEY_FILE"]
        number = world.publish("shop")
        yield {"NAME": "shop"}
    # A secret that is not sealed.
    world.postrider.run("endpoint", "rotate-secret", "shop", "--grace", "0s", "--yes")
    world.wait_until_delivered(number)
    world.remove("shop")


@contextlib.contextmanager
def _clock_off(world: World) -> Iterator[Named]:
    """A second worker; its clock is ten minutes ahead."""
    other = Postrider(world.postrider.executable, world.server)
    other.environment["POSTRIDER_HEALTH_LISTEN"] = world.health = f"127.0.0.1:{free_port()}"
    # The library of the program faketime, which would stand between us and the worker.
    library = next(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    other.environment |= {"LD_PRELOAD": str(library), "FAKETIME": "+10m", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    with other.worker(is_ready=False):
        world.begin()
        yield {}
    world.health = world.worker.address


@contextlib.contextmanager
def _disk_full(world: World) -> Iterator[Named | None]:
    """The events of today get a small disk of their own."""
    if world.disk is None:
        yield None
        return
    ballast = world.disk / "ballast"
    with world.server.session() as session:
        today = session.value("SELECT 'postrider.outbox_p' || to_char(now() AT TIME ZONE 'UTC', 'YYYYMMDD')")
        session.rows(f"CREATE TABLESPACE small LOCATION '{world.disk / 'space'}'")
        session.rows(f"ALTER TABLE {today} SET TABLESPACE small")
        subprocess.run(["dd", "if=/dev/zero", f"of={ballast}", "bs=64k"], capture_output=True)
        _use_up(session)
        world.begin()
        yield {}
        ballast.unlink()
        session.rows(f"ALTER TABLE {today} SET TABLESPACE pg_default")


def _use_up(session: Session) -> None:
    """Rows fit into the pages that are there for a while."""
    payload = '{"fill": "' + "x" * 7000 + '"}'
    with contextlib.suppress(Exception):
        while True:
            session.rows("INSERT INTO postrider.outbox (event_type, payload) VALUES ('none', %s)", payload)


@contextlib.contextmanager
def _backlog(world: World) -> Iterator[Named]:
    world.endpoint("shop", "/slow", "--max-in-flight", "5")
    with world.server.session() as session:
        session.rows(
            "INSERT INTO postrider.outbox (event_type, payload) SELECT 'shop', '{}' FROM generate_series(1, %s)", _MILLION)
        world.begin()
        yield {"NAME": "shop"}
        # One statement that cancels a million would take longer than any command may, and a small disk has no room for them.
        session.rows("TRUNCATE postrider.deliveries, postrider.outbox")
    world.remove("shop")


TROUBLES: dict[str, Trouble] = {
    "an endpoint hangs": _answers("/hang"),
    "an endpoint answers 500": _answers("/500"),
    "an endpoint answers 401": _answers("/401"),
    "an endpoint answers 429": _answers("/429"),
    "an endpoint answers 410": _answers("/410"),
    "one event is poisoned: its receiver fails on it, and on no other": _poisoned,
    "an ordering key is blocked by its first event": _blocked,
    "the database is away": _away,
    "a worker was killed, and it was the only one": _killed,
    "a million deliveries wait for one slow endpoint": _backlog,
    "a secret was rotated on one side only": _rotated,
    "the key file is missing": _without_key,
    "a worker's clock is ten minutes off": _clock_off,
    "the database's disk is full": _disk_full,
}
# Those that take more than a few seconds: a timeout, a silence, a million rows.
SLOW = {"an endpoint hangs", "a worker was killed, and it was the only one", "a million deliveries wait for one slow endpoint"}
