"""A database whose producers flood and lock what they may, whose owner spoils tables, and whose list of servers has some that will not do."""

import time

from checks.harness.postgres import Postgres, Session, postgres
from checks.harness.processes import free_port, wait_until
from checks.harness.product import Postrider, Worker, built_executable
from checks.harness.tally import Tally
from checks.hostile.absence import processor_s
from checks.hostile.outside import Outside

# What a producer may cost a worker that does not listen to it, in parts of a core.
_SHARE = 0.2
# How long an event may take beside all this.
_PATIENCE_S = 2.0
_EVENTS = 20

# By endpoint.
Counts = dict[str, int]

# What is made to fail, for the rows of one endpoint: after its deliveries were sent, and before.
_SPOILT = (("DELETE", "deliveries"), ("INSERT", "attempts"))
_NEVER_CLAIMED = ("UPDATE", "deliveries")


def check(tally: Tally) -> None:
    port = free_port()
    with Outside(None, (port,), {}).open() as outside, postgres(log_min_messages="panic") as server:
        postrider = Postrider(built_executable(), server)
        postrider.run("migrate")
        with server.session() as session:
            session.rows("CREATE ROLE shop LOGIN; GRANT postrider_producer TO shop; CREATE ROLE courier LOGIN; GRANT postrider_worker TO courier")
            for name in ("good", "bad"):
                session.rows(f"SELECT postrider.register_endpoint('{name}', 'http://127.0.0.1:{port}/{name}', '{{some.*}}', "
                             "retry_schedule => '{1 s}', timeout => '2 s')")
            postrider.environment["POSTRIDER_DATABASE_URL"] = server.url.replace("postgres@", "courier@")
            postrider.environment["POSTRIDER_LEASE_SLACK"] = "2s"
            with postrider.worker() as worker, Session(server.url.replace("postgres@", "shop@")) as shop:
                _producer(tally, shop, outside, worker)
                for place, (act, table) in enumerate(_SPOILT, 1):
                    before = _spoil(tally, session, outside, act, table, is_sent=True)
                    wait_until(f"{_title(act, table)}: the log tells of each",
                               lambda: worker.log.read_text().count("an outcome is lost") >= place * _EVENTS, 10)
                    _drop(session, table)
                    _recover(tally, session, outside, act, table, before, again=_EVENTS)
                before = _spoil(tally, session, outside, *_NEVER_CLAIMED, is_sent=False)
                tally.check("the worker lives", None if worker.process.poll() is None else worker.log.read_text()[-500:])
            # The lane that could not be claimed is left alone by its worker for a while; another one knows nothing of that.
            _drop(session, _NEVER_CLAIMED[1])
            with postrider.worker():
                _recover(tally, session, outside, *_NEVER_CLAIMED, before, again=0)
                tally.check("a worker that may only work: doctor has nothing to say of its login", _login(server))
            _servers(tally, server, session, postrider, outside)


# MARK: a producer


def _producer(tally: Tally, shop: Session, outside: Outside, worker: Worker) -> None:
    _took(shop, outside)
    began, used = time.monotonic(), processor_s(worker.pid)
    for _ in range(20):
        shop.rows("DO $$ BEGIN FOR n IN 1..500 LOOP PERFORM pg_notify(c, n || repeat('x', 7000)) "
                  "FROM unnest(ARRAY['postrider', 'outbox', 'postrider.deliveries', 'public']) c; END LOOP; END $$")
    used, lasted = processor_s(worker.pid) - used, time.monotonic() - began
    tally.check(f"40,000 notifications of a producer: at most {_SHARE:.0%} of a core",
                None if used <= _SHARE * max(lasted, 1) else f"{used:.2f} s of {lasted:.2f} s")
    shop.rows("SELECT count(pg_advisory_lock(n)), count(pg_advisory_lock(hashtext('postrider'), n)) FROM generate_series(-500, 500) n")
    shop.rows("SELECT count(pg_advisory_lock(oid::bigint)), count(pg_advisory_lock(hashtext(relname))) FROM pg_class "
              "WHERE relnamespace = 'postrider'::regnamespace")
    took = _took(shop, outside)
    tally.check(f"advisory locks of a producer: an event takes at most {_PATIENCE_S} s", None if took <= _PATIENCE_S else f"{took:.1f} s")
    shop.rows("SELECT pg_advisory_unlock_all()")


def _took(shop: Session, outside: Outside) -> float:
    """How long an event takes."""
    began, before = time.monotonic(), len(outside.requests)
    shop.rows("INSERT INTO postrider.outbox (event_type, payload) VALUES ('some.event', '{}')")
    wait_until("both endpoints have the event", lambda: len(outside.requests) == before + 2, 30, 0.005)
    return time.monotonic() - began


# MARK: the owner


def _spoil(tally: Tally, session: Session, outside: Outside, act: str, table: str, is_sent: bool) -> Counts:
    """A trigger of the owner raises for the rows of one endpoint, and those of the other go on. Returns what was sent before."""
    title, before, recorded = _title(act, table), _requests(outside), _recorded(session)
    session.rows(
        "CREATE FUNCTION public.spoil() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN IF (coalesce(NEW, OLD)).endpoint_id = "
        "(SELECT id FROM postrider.endpoints WHERE name = 'bad') THEN RAISE EXCEPTION 'spoilt'; END IF; RETURN coalesce(NEW, OLD); END $$; "
        f"CREATE TRIGGER spoil BEFORE {act} ON postrider.{table} FOR EACH ROW EXECUTE FUNCTION public.spoil()")
    began = time.monotonic()
    session.rows("INSERT INTO postrider.outbox (event_type, payload) SELECT 'some.event', '{}' FROM generate_series(1, %s)", _EVENTS)
    wait_until(f"{title}: the other endpoint's are recorded", lambda: _recorded(session)["good"] == recorded["good"] + _EVENTS, 30)
    took = time.monotonic() - began
    print(f"{title}: the other endpoint's are recorded after {took:.2f} s")
    tally.check(f"{title}: the other endpoint goes on", None if took <= _PATIENCE_S else f"{took:.1f} s")
    tally.check(f"{title}: nothing of it is recorded", None if _recorded(session)["bad"] == recorded["bad"] else "some is")
    sent = _requests(outside)["bad"] - before["bad"]
    tally.check(f"{title}: it is {'' if is_sent else 'not '}sent", None if sent == (_EVENTS if is_sent else 0) else f"{sent} requests")
    return before


def _drop(session: Session, table: str) -> None:
    session.rows(f"DROP TRIGGER spoil ON postrider.{table}; DROP FUNCTION public.spoil()")


def _recover(tally: Tally, session: Session, outside: Outside, act: str, table: str, before: Counts, again: int) -> None:
    """The trigger has gone: nothing was lost. What was sent, and whose record the worker gave up, is sent again when its lease ends."""
    title = _title(act, table)
    wait_until(f"{title}: all is recorded when it has gone", lambda: len(set(_recorded(session).values())) == 1, 60, 0.1)
    sent = {name: count - before[name] for name, count in _requests(outside).items()}
    tally.check(f"{title}: those of the other endpoint are sent once, all are recorded",
                None if sent == {"good": _EVENTS, "bad": _EVENTS + again} else str(sent))


def _title(act: str, table: str) -> str:
    return f"a trigger that fails at {act} of {table}"


def _requests(outside: Outside) -> Counts:
    paths = [request.path for request in outside.requests[:]]
    return {name: paths.count(f"/{name}") for name in ("good", "bad")}


def _recorded(session: Session) -> Counts:
    found = dict(session.rows("SELECT endpoint, count(*)::int FROM postrider.attempt_log WHERE outcome = 'delivered' GROUP BY 1"))
    return {name: int(found.get(name, 0)) for name in ("good", "bad")}


# MARK: a list of servers


def _servers(tally: Tally, server: Postgres, session: Session, postrider: Postrider, outside: Outside) -> None:
    """One that is dead and one that may not be written to stand before the primary."""
    with postgres(default_transaction_read_only="on") as other:
        hosts = f"/nonexistent,{other.root},{server.root}"
        postrider.environment["POSTRIDER_DATABASE_URL"] = (
            f"postgresql://postgres@/postgres?host={hosts}&port=5432,5432,5432&target_session_attrs=read-write&connect_timeout=2")
        with postrider.worker() as worker:
            took = _took(session, outside)
            tally.check(f"the primary behind a dead server and one that takes no writes: an event takes at most {_PATIENCE_S} s",
                        None if took <= _PATIENCE_S else f"{took:.1f} s: {worker.log.read_text()[-500:]}")
            tally.check("a worker that is a superuser: doctor warns", None if "which is a superuser" in _login(server) else "it does not")


def _login(server: Postgres) -> str:
    """What doctor says of how workers log in."""
    said = Postrider(built_executable(), server).run("doctor", "--offline")
    return "\n".join(line for line in said.splitlines() if "worker login" in line)
