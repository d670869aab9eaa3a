"""Canary secrets through a run in which everything fails: none stands in a log, a metric, an error, `pg_stat_activity`, the server's
log or what a command says."""

import asyncio
import base64
import contextlib
import json
import pathlib
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator

from checks.harness.postgres import Postgres, Session, postgres
from checks.harness.processes import Failure, ask, free_port, wait_until
from checks.harness.product import Postrider, Worker, built_executable
from checks.harness.tally import Tally
from checks.hostile.outside import Outside, Request, Script

_PASSWORD, _HEADER, _EVENT_HEADER, _PAYLOAD = "canary-password", "canary-header", "canary-event-header", "canary-payload"
_SECRET, _SEALED, _NEW = ("whsec_" + base64.b64encode(f"canary-{kind}-canary-canary".encode()).decode() for kind in ("secret", "sealed", "third"))
_KEY, _OTHER_KEY = bytes(range(200, 232)).hex(), bytes(range(100, 132)).hex()
_CANARIES = (_PASSWORD, _HEADER, _EVENT_HEADER, _PAYLOAD, *(text.removeprefix("whsec_") for text in (_SECRET, _SEALED, _NEW)), _KEY, _OTHER_KEY)
# What a server tells of statements that fail and sessions that wait, so far as an installation may have it set up.
_SERVER = {
    "log_min_messages": "info", "log_error_verbosity": "verbose", "log_lock_waits": "on", "deadlock_timeout": "100ms",
    "log_connections": "on", "track_activity_query_size": "16384",
}
# The columns that hold canaries on purpose.
_HOLDERS = {"secret", "headers", "payload", "body", "response_body"}


def check(tally: Tally) -> None:
    port = free_port()
    with Outside(None, (port,), _SCRIPTS).open() as outside, postgres(**_SERVER) as server, tempfile.TemporaryDirectory() as folder:
        place = pathlib.Path(folder)
        keys = {name: _key_file(place / name, key) for name, key in (("right", _KEY), ("wrong", _OTHER_KEY))}
        operator = Postrider(built_executable(), server)
        operator.run("migrate")
        said: dict[str, str] = {}
        with server.session() as session, _watched(server) as statements:
            _register(operator, keys["right"], port, said)
            _spoil(session)
            _require_password(server, session)
            with contextlib.ExitStack() as stack:
                workers = [stack.enter_context(_worker(server, key, form)) for key, form in ((keys["right"], "json"), (keys["wrong"], "text"))]
                _publish(session)
                _trouble(session)
                end = time.monotonic() + 30
                while missing := _FAILURES - _kinds(session):
                    if time.monotonic() > end:
                        raise Failure(f"no attempt failed with {', '.join(sorted(missing))}")
                    time.sleep(0.2)
                said |= {f"{path} of worker {number}": ask(f"http://{worker.address}{path}") or ""
                         for number, worker in enumerate(workers) for path in ("/metrics", "/readyz", "/livez")}
                said |= {f"the arguments of worker {number}": pathlib.Path(f"/proc/{worker.pid}/cmdline").read_text()
                         for number, worker in enumerate(workers)}
                for worker in workers:
                    worker.process.terminate()
                    worker.process.wait(40)
                said |= {f"the log of worker {number}": worker.log.read_text() for number, worker in enumerate(workers)}
            said |= _stored(session)
            for words in (("status",), ("doctor", "--offline"), ("endpoint", "list"), ("endpoint", "show", "reset"), ("dead-letter", "list")):
                said[" ".join(words)] = _command(operator, *words, "--json")
            said["pg_stat_activity"] = "\n".join(statements)
            said["the server's log"] = (server.root / "server.log").read_text()
        _judge(tally, said, outside)


def _judge(tally: Tally, said: dict[str, str], outside: Outside) -> None:
    for where, text in said.items():
        found = [f"{canary}: …{text[max(0, text.index(canary) - 300):text.index(canary)]}" for canary in _CANARIES if canary in text]
        tally.check(f"no canary in {where} ({len(text)} characters)", "\n".join(found))
    sent = b"\n".join(request.head + request.body for request in outside.requests).decode()
    absent = [canary for canary in (_HEADER, _EVENT_HEADER, _PAYLOAD) if canary not in sent]
    tally.check("the canaries were in use", f"never sent: {absent}" if absent else None)
    for where in ("the log of worker 0", "pg_stat_activity", "the server's log"):
        tally.check(f"{where} tells much", None if len(said[where]) > 2_000 else said[where])


# MARK: what is set up


def _key_file(path: pathlib.Path, key: str) -> str:
    path.write_text(f"{path.name}:{key}\n")
    path.chmod(0o400)
    return str(path)


def _register(operator: Postrider, key_file: str, port: int, said: dict[str, str]) -> None:
    options = ("--header", f"Authorization: Bearer {_HEADER}", "--timeout", "1s", "--retry-schedule", "500ms", "--max-attempts", "2")
    for kind in [*_SCRIPTS, "ok", *_SPOILT]:
        operator.run("endpoint", "add", kind, f"http://127.0.0.1:{port}/{kind}", "--secret", _SECRET, *options)
    for kind, url in (("refused", f"http://127.0.0.1:{free_port()}/"), ("tls", f"https://127.0.0.1:{port}/"), ("names", "http://no.example.invalid/")):
        operator.run("endpoint", "add", kind, url, "--secret", _SECRET, *options)
    operator.environment["POSTRIDER_SECRET_KEY_FILE"] = key_file
    operator.run("endpoint", "add", "sealed", f"http://127.0.0.1:{port}/ok", "--secret", _SEALED, *options)
    for title, words in {
        "a name that is taken": ("add", "sealed", "https://a.example/", "--secret", _NEW, *options),
        "a bad name": ("add", "bad ", "https://a.example/", "--secret", _NEW, *options),
        "a bad secret": ("add", "bad", "https://a.example/", "--secret", _NEW + "!", *options),
        "a bad header": ("add", "bad", "https://a.example/", "--header", f"X: {_HEADER}\n"),
        "a bad URL": ("add", "bad", f"https://user:{_PASSWORD}@a.example/", "--secret", _NEW),
        "an endpoint that is not there": ("update", "none", "--header", f"X: {_HEADER}"),
        "a secret for none": ("rotate-secret", "none", "--secret", _NEW),
    }.items():
        said[f"endpoint {words[0]} with {title}"] = _command(operator, "endpoint", *words, fails=True)
    said["event publish of a bad type"] = _command(operator, "event", "publish", "bad type", json.dumps(_PAYLOAD), fails=True)


def _command(operator: Postrider, *words: str, fails: bool = False) -> str:
    done = subprocess.run([operator.executable, *words], env=operator.environment, capture_output=True, text=True, timeout=60)
    said = done.stdout + done.stderr
    return said if not fails or done.returncode else f"it did not fail: {_PASSWORD}"


def _spoil(session: Session) -> None:
    """What no door lets in, stored all the same."""
    for statement in _SPOILT.values():
        session.rows(statement)
    session.rows("ALTER TABLE postrider.outbox DISABLE TRIGGER outbox_1_reject")


def _require_password(server: Postgres, session: Session) -> None:
    rules = server.root / "data/pg_hba.conf"
    rules.write_text(f"local all courier scram-sha-256\n{rules.read_text()}")
    # Hashed by hand the password would stand in no log; here the server is told to write no statement of ours.
    session.rows(f"SET log_statement = 'none'; CREATE ROLE courier LOGIN PASSWORD '{_PASSWORD}'; GRANT postrider_worker TO courier; "
                 "SELECT pg_reload_conf()")


@contextlib.contextmanager
def _worker(server: Postgres, key_file: str, form: str) -> Iterator[Worker]:
    postrider = Postrider(built_executable(), server)
    postrider.environment |= {
        "POSTRIDER_DATABASE_URL": server.url.replace("postgres@", f"courier:{_PASSWORD}@"), "POSTRIDER_SECRET_KEY_FILE": key_file,
        "POSTRIDER_LOG_LEVEL": "trace", "POSTRIDER_LOG_FORMAT": form, "POSTRIDER_LEASE_SLACK": "1s",
    }
    with postrider.worker(is_ready=False) as worker:
        wait_until("the worker is ready", lambda: "the worker is ready" in worker.log.read_text(), 30)
        yield worker


# MARK: what goes wrong


def _publish(session: Session) -> None:
    session.rows("INSERT INTO postrider.outbox (event_type, payload, headers) SELECT 'some.event', to_json(%s::text), "
                 "jsonb_build_object('X-Event', %s::text) FROM generate_series(1, 20)", _PAYLOAD, _EVENT_HEADER)
    session.rows("INSERT INTO postrider.outbox (event_type, payload, headers, endpoint) VALUES ('some.event', to_json(%s::text), "
                 "jsonb_build_object('X-Event', %s::text || chr(10)), 'ok')", _PAYLOAD, _EVENT_HEADER)


def _trouble(session: Session) -> None:
    """Statements of the workers fail: rows are refused, rights are missing, locks are held, sessions end."""
    for begin, end in (
            ("ALTER TABLE postrider.attempts ADD CONSTRAINT never CHECK (false) NOT VALID", "ALTER TABLE postrider.attempts DROP CONSTRAINT never"),
            ("REVOKE SELECT ON postrider.endpoint_secrets FROM postrider_worker", "GRANT SELECT ON postrider.endpoint_secrets TO postrider_worker"),
            ("BEGIN; LOCK postrider.endpoints, postrider.outbox", "COMMIT"),
            ("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'courier'", "SELECT 1")):
        session.rows(begin)
        session.rows("INSERT INTO postrider.outbox (event_type, payload) VALUES ('some.event', to_json(%s::text))" if begin[0] != "B" else "SELECT %s",
                     _PAYLOAD)
        time.sleep(1.5)
        session.rows(end)


def _kinds(session: Session) -> set[str]:
    return {code for (code,) in session.rows("SELECT DISTINCT error_code FROM postrider.attempt_log WHERE error_code IS NOT NULL")}


@contextlib.contextmanager
def _watched(server: Postgres) -> Iterator[set[str]]:
    """Every statement of others that `pg_stat_activity` showed."""
    statements: set[str] = set()
    ended = threading.Event()

    def look() -> None:
        with server.session() as session:
            while not ended.wait(0.02):
                statements.update(text for (text,) in session.rows(
                    "SELECT concat_ws(' ', application_name, query) FROM pg_stat_activity WHERE application_name LIKE 'postrider%'"))

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield statements
    finally:
        ended.set()
        looking.join()


def _stored(session: Session) -> dict[str, str]:
    """Every table and view, but for the columns that hold such things on purpose."""
    names = [name for (name,) in session.rows(
        "SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'postrider'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition")]
    holders = "{" + ",".join(_HOLDERS) + "}"
    return {f"postrider.{name}": str(session.value(
        f"SELECT coalesce(string_agg((to_jsonb(t) - %s::text[])::text, chr(10)), '') FROM postrider.{name} t", holders)) for name in names}


# MARK: what the receivers answer


def _raw(answer: bytes) -> Script:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: Request) -> None:
        writer.write(answer)
        writer.close()

    return script


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: Request) -> None:
    """All that it was sent, as the reason phrase and a header."""
    told = request.head.replace(b"\r\n", b" ") + request.body
    writer.write(b"HTTP/1.1 500 " + told + b"\r\nX-Echo: " + told + b"\r\nContent-Length: 0\r\n\r\n")


async def _hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: Request) -> None:
    await reader.read(1)


_SCRIPTS: dict[str, Script] = {
    "reset": _raw(b""), "noise": _raw(_HEADER.encode()), "echo": _echo, "hang": _hang,
    "redirect": _raw(b"HTTP/1.1 302 Found\r\nLocation: http://elsewhere.example/\r\nContent-Length: 0\r\n\r\n"),
    "large": _raw(b"HTTP/1.1 200 OK\r\nX: " + _HEADER.encode() * 8_192 + b"\r\n\r\n"),
}
_OF_ENDPOINT = "WHERE endpoint_id = (SELECT id FROM postrider.endpoints WHERE name = '{name}')"
_SPOILT = {
    "bad-header": f"UPDATE postrider.endpoints SET headers = ARRAY['X-Key: {_HEADER}' || chr(10)] WHERE name = 'bad-header'",
    "no-header": f"UPDATE postrider.endpoints SET headers = ARRAY['{_HEADER}'] WHERE name = 'no-header'",
    "bad-secret": f"UPDATE postrider.endpoint_secrets SET secret = '{_SECRET}!' {_OF_ENDPOINT.format(name='bad-secret')}",
    "bad-seal": f"UPDATE postrider.endpoint_secrets SET secret = 'sealed:v1:{_SECRET}' {_OF_ENDPOINT.format(name='bad-seal')}",
}
_FAILURES = {
    "timeout", "connection_refused", "connection_reset", "invalid_headers", "secret_unavailable", "redirect",
    "http_status", "protocol_error", "response_too_large",
}
