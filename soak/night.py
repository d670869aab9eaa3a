"""One run, from an empty database to the evidence."""

import contextlib
import pathlib
import random
import shutil
import subprocess
import tempfile
import time

import psycopg

from checks.harness.postgres import own
from checks.harness.processes import Failure
from soak.chaos import Chaos, heal, looking
from soak.evidence import Evidence, collect
from soak.fleet import fleet
from soak.journal import Journal
from soak.patroni import Cluster, cluster
from soak.plan import FORBIDDEN, HEADER_CANARY, MAX_ATTEMPTS, SCHEDULE, SECRET, TIMEOUT_S, Scene
from soak.pooler import pooler
from soak.producers import producers
from soak.proxy import proxy
from soak.receivers import receivers
from soak.servers import Pair, servers

# Of deliveries to FORBIDDEN, which never arrive.
_FORBIDDEN_ATTEMPTS = 2


def play(scene: Scene, seed: int, executable: pathlib.Path, keep: str | None = None) -> Evidence:
    """Plays a scene. With `keep` the journals and the logs are copied to that folder."""
    root = pathlib.Path(tempfile.mkdtemp(prefix="postrider-soak-"))
    own(root)
    try:
        return _play(scene, seed, executable, root)
    finally:
        if keep:
            shutil.copytree(root, keep, dirs_exist_ok=True, ignore=shutil.ignore_patterns("data", "small", ".s.*"))
        subprocess.run(["umount", root / "small"], capture_output=True)
        shutil.rmtree(root, ignore_errors=True)


def _play(scene: Scene, seed: int, executable: pathlib.Path, root: pathlib.Path) -> Evidence:
    journal = Journal(root / "chaos.jsonl")
    with contextlib.ExitStack() as stack:
        pair = stack.enter_context(cluster(root, scene) if scene.by_patroni else servers(root, scene))
        urls = stack.enter_context(receivers(root / "receivers.jsonl", scene, seed))
        _prepare(scene, pair, executable, urls)
        fills_disk = scene.fail_overs == 0 and scene.faults is None
        disk = _small_disk(pair, root) if fills_disk else None
        # Not past HAProxy: nothing else ends the sessions that a producer has with a server that fell silent.
        producing = pair.balanced_url("soak_producer") if isinstance(pair, Cluster) else pair.url("soak_producer")
        # One worker has a bad network before its database, one has a pooler, and the others know both servers.
        wire, sound_wire = (stack.enter_context(proxy(lambda: pair.entry, seed)) for _ in range(2))
        pool = stack.enter_context(pooler(root / "pooler", sound_wire.port))
        proxied = f"postgresql://soak_worker@127.0.0.1:{wire.port}/postgres?connect_timeout=3&sslmode=disable&gssencmode=disable"
        ways = [proxied, pool.url("soak_worker"), pair.url("soak_worker")]
        databases = [ways[min(number, len(ways) - 1)] for number in range(scene.workers)]
        members = stack.enter_context(fleet(executable, scene, databases, root, journal))
        with looking(pair, members, journal):
            with producers(scene, producing, root, seed):
                Chaos(scene, pair, members, wire, pool, journal, random.Random(seed), disk).run()
                heal(pair, members, journal)
                time.sleep(scene.quiet_s)
            _send_all(scene, pair, journal)
        shown = {f"the metrics of worker {member.number}": (member.ask("/metrics") or (0, ""))[1] for member in members}
        for member in members:
            member.drain(is_last=True)
        with pair.primary.connect() as connection:
            evidence = collect(root, connection, scene)
        evidence.shown |= shown
        return evidence


def _prepare(scene: Scene, pair: Pair | Cluster, executable: pathlib.Path, urls: dict[str, str]) -> None:
    """The schema belongs to a role that no one at work is a member of."""
    with pair.primary.connect() as connection:
        for statement in ("CREATE ROLE soak_owner LOGIN SUPERUSER", "CREATE ROLE soak_worker LOGIN", "CREATE ROLE soak_producer LOGIN"):
            connection.execute(statement)
        environment = {"POSTRIDER_DATABASE_URL": pair.primary.url("soak_owner")}
        done = subprocess.run([executable, "migrate"], env=environment, capture_output=True, text=True)
        if done.returncode != 0:
            raise Failure(done.stderr)
        for statement in (
                "GRANT postrider_worker TO soak_worker", "GRANT postrider_producer TO soak_producer",
                "CREATE TABLE business (n bigint PRIMARY KEY)", "GRANT INSERT ON business TO soak_producer"):
            connection.execute(statement)
        for name, url in urls.items():
            connection.execute(
                "SELECT postrider.register_endpoint(%s, %s, '{soak.*}', secret => %s, timeout => make_interval(secs => %s),"
                " retry_schedule => %s::text::interval[], max_attempts => %s, headers => ARRAY[%s])",
                (name, url, SECRET, TIMEOUT_S, "{" + SCHEDULE + "}",
                 _FORBIDDEN_ATTEMPTS if name == FORBIDDEN else MAX_ATTEMPTS, f"X-Canary: {HEADER_CANARY}"))
        for statement in scene.sql:
            connection.execute(statement.encode())


def _small_disk(pair: Pair | Cluster, root: pathlib.Path) -> pathlib.Path | None:
    """Attempts of today on a small file system, which a fault fills. None where nothing may be mounted."""
    disk = root / "small"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512m", "soak", disk], capture_output=True).returncode != 0:
        print("no file system may be mounted here, so no disk gets full", flush=True)
        return None
    space = disk / "space"
    space.mkdir()
    own(space)
    with pair.primary.connect() as connection:
        connection.execute(f"CREATE TABLESPACE small LOCATION '{space}'".encode())
        today = connection.execute("SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYYMMDD')").fetchone()
        if today is not None:
            connection.execute(f"ALTER TABLE postrider.attempts_p{today[0]} SET TABLESPACE small".encode())
    return disk


def _send_all(scene: Scene, pair: Pair | Cluster, journal: Journal) -> None:
    """Waits until nothing is owed."""
    began = time.monotonic()
    left = -1
    while time.monotonic() - began < scene.patience_s and left != 0:
        time.sleep(0.5)
        with contextlib.suppress(psycopg.Error), pair.primary.connect() as connection:
            row = connection.execute("SELECT count(*) FROM postrider.deliveries").fetchone()
            left = int(str(row[0])) if row else -1
    journal.note("all_sent", took_s=round(time.monotonic() - began, 2), left=left)
