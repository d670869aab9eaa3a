"""What a scene plays on: one executable, a throw-away database with its schema, and workers of it."""

import contextlib
import dataclasses
import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence

from bench.profiling import Profile
from checks.harness.postgres import Postgres, Session, postgres
from checks.harness.processes import wait_until
from checks.harness.product import Postrider, Worker


class Installation:
    """A database that one executable has migrated. Its workers have the rights of a worker and no more."""

    def __init__(self, executable: pathlib.Path, server: Postgres, session: Session) -> None:
        self.executable, self.server, self.session = executable, server, session
        Postrider(executable, server).run("migrate")
        session.rows("CREATE ROLE bench_worker LOGIN IN ROLE postrider_worker")

    @contextlib.contextmanager
    def worker(
        self, is_ready: bool = True, within: Sequence[str] = (), settings: Mapping[str, str] | None = None
    ) -> Iterator[Worker]:
        """`settings` are environment variables of the worker."""
        postrider = Postrider(self.executable, self.server)
        postrider.environment |= settings or {}
        postrider.environment["POSTRIDER_DATABASE_URL"] = self.server.url.replace("//postgres@", "//bench_worker@")
        with postrider.worker(is_ready, within) as running:
            yield running

    def tidy(self) -> None:
        """So that what was published or registered just now does not cost anything later: no vacuum, no checkpoint."""
        self.session.rows("VACUUM ANALYZE")
        self.session.rows("CHECKPOINT")

    def is_empty(self) -> bool:
        return bool(self.session.value("SELECT NOT EXISTS (SELECT FROM postrider.deliveries)"))

    def wait_until_settled(self) -> None:
        wait_until("all deliveries are settled", self.is_empty, 60, 0.002)

    def delivered(self) -> tuple[int, int]:
        """How many attempts are recorded as delivered, and how many were not the first."""
        counted = self.session.rows(
            "SELECT count(*) FILTER (WHERE outcome = 'delivered'), count(*) FILTER (WHERE attempt > 1) FROM postrider.attempt_log"
        )[0]
        return int(counted[0]), int(counted[1])

    def wal(self) -> list[int]:
        """Bytes written to the log so far, and full images of pages among them."""
        return [
            int(cell) for cell in self.session.rows("SELECT pg_current_wal_insert_lsn() - '0/0', wal_fpi FROM pg_stat_wal")[0]
        ]


@dataclasses.dataclass(frozen=True)
class Stage:
    """What was asked for, and `say`, which tells how far the scene is."""

    executable: pathlib.Path
    is_quick: bool
    is_long: bool
    events: int
    say: Callable[[str], None]
    profile: Profile | None = None

    @contextlib.contextmanager
    def installation(self, **settings: str) -> Iterator[Installation]:
        with self.database(**settings) as server, server.session() as session:
            yield Installation(self.executable, server, session)

    @contextlib.contextmanager
    def database(self, **settings: str) -> Iterator[Postgres]:
        """One that nothing has been made in."""
        if self.profile:
            settings |= {"shared_preload_libraries": "pg_stat_statements", "pg_stat_statements.track": "all"}
        with postgres(max_connections="100", **settings) as server:
            yield server

    def aside(self, worker: Worker, server: Postgres) -> contextlib.AbstractContextManager[None]:
        """A context around the busy time, for the profiler."""
        return self.profile.aside(worker, server) if self.profile else contextlib.nullcontext()
