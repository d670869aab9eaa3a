"""The faults, made for real: what each does, which alerts it must ring, and how it is repaired."""

import dataclasses
import os
import signal
import time
from collections.abc import Callable

from checks.alerts.receiver import Receiver
from checks.harness.postgres import Postgres, Session
from checks.harness.product import Postrider, Worker


@dataclasses.dataclass
class World:
    server: Postgres
    # On a database of its own name, so that it lives on while ours takes no connections.
    session: Session
    postrider: Postrider
    receiver: Receiver
    worker: Worker
    second: Worker
    # Where a third one would serve its metrics.
    third: str
    holders: list[Session] = dataclasses.field(default_factory=list)

    def endpoint(self, name: str, path: str, *options: str) -> None:
        url = path if path.startswith("http") else self.receiver.address + path
        self.postrider.run("endpoint", "add", name, url, "--event-type", name, *options)

    def publish(self, kind: str, count: int = 1, key: str | None = None) -> None:
        with self.server.session() as session:
            session.rows(
                "INSERT INTO postrider.outbox (event_type, payload, ordering_key) "
                "SELECT %s::text, '{}', %s::text FROM generate_series(1, %s::int)", kind, key, count)

    def sql(self, statement: str) -> None:
        with self.server.session() as session:
            session.rows(statement)


@dataclasses.dataclass
class Fault:
    alerts: set[str]
    make: Callable[[World], None]
    repair: Callable[[World], None]
    # Done again and again until the alert rings.
    again: Callable[[World], None] = lambda _: None


def _failing(world: World) -> None:
    # With its breaker on it would be tried ever more rarely, and the spans here are short.
    world.endpoint("failing", "/500", "--retry-schedule", "1s", "--max-attempts", "1000", "--breaker", "off")
    world.publish("failing", 5)


def _recover(world: World) -> None:
    """All that failed succeed once, or are gone."""
    world.receiver.repaired.update({"/500", "/404"})
    world.publish("dying")
    world.postrider.run("endpoint", "remove", "inside", "--yes")


def _blocked(world: World) -> None:
    world.endpoint("keys", "/503", "--retry-schedule", "1s", "--max-attempts", "1000", "--breaker", "off")
    world.publish("keys", 3, key="a")


def _disabled(world: World) -> None:
    world.endpoint("leaving", "/410")
    world.publish("leaving")


def _resume(world: World) -> None:
    world.receiver.repaired.add("/410")
    world.postrider.run("endpoint", "resume", "leaving")


def _paused(world: World) -> None:
    world.endpoint("lunch", "/200")
    world.postrider.run("endpoint", "pause", "lunch")


def _dead(world: World) -> None:
    world.endpoint("dying", "/404", "--retry-schedule", "1s", "--max-attempts", "1")
    world.publish("dying", 3)


def _blocked_address(world: World) -> None:
    # By SQL's door: the command refuses it.
    world.sql("SELECT postrider.register_endpoint('inside', 'http://169.254.169.254/latest/meta-data/', '{inside}')")
    world.publish("inside")


def _discard(world: World) -> None:
    world.sql("SELECT postrider.discard_dead_letter(id, 'the test is over') FROM postrider.dead")


def _missed(world: World) -> None:
    world.sql("SELECT postrider.expect('never', '100 ms')")


def _withdraw(world: World) -> None:
    world.sql("SELECT postrider.withdraw('never')")


def _late(world: World) -> None:
    world.endpoint("held", "/200")
    holder = world.server.session()
    holder.rows("BEGIN")
    holder.rows("SELECT FROM postrider.lanes l JOIN postrider.endpoints e ON e.id = l.endpoint_id WHERE e.name = 'held' FOR UPDATE OF l")
    world.holders.append(holder)
    world.publish("held")


def _release(world: World) -> None:
    for holder in world.holders:
        holder.rows("ROLLBACK")
    world.holders.clear()


def _saturated(world: World) -> None:
    world.endpoint("slow", "/slow")
    world.publish("slow", 6000)


def _empty(world: World) -> None:
    world.sql("SELECT postrider.cancel_event(id) FROM postrider.outbox WHERE event_type = 'slow'")


def _stale(world: World) -> None:
    world.endpoint("hang", "/hang", "--timeout", "4s")
    world.publish("hang", 8)
    time.sleep(0.5)
    os.kill(world.second.pid, signal.SIGSTOP)


def _go_on(world: World) -> None:
    os.kill(world.second.pid, signal.SIGCONT)


def _away(world: World) -> None:
    world.session.rows("ALTER DATABASE postgres ALLOW_CONNECTIONS false")
    _end_sessions(world)


def _end_sessions(world: World) -> None:
    world.session.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'postgres'")


def _back(world: World) -> None:
    world.session.rows("ALTER DATABASE postgres ALLOW_CONNECTIONS true")


def _rename(function: str) -> Fault:
    return Fault(set(), lambda world: world.sql(f"ALTER FUNCTION postrider.{function} RENAME TO gone"),
                 lambda world: world.sql(f"ALTER FUNCTION postrider.gone RENAME TO {function}"))


def _nothing(_: World) -> None:
    pass


def beside_each_other() -> list[Fault]:
    """Faults that do not disturb each other."""
    return [
        Fault({"PostriderEndpointFailing", "PostriderAttemptsFailing"}, _failing, _recover),
        Fault({"PostriderKeysBlocked"}, _blocked, lambda world: world.receiver.repaired.add("/503")),
        Fault({"PostriderEndpointDisabled"}, _disabled, _resume),
        Fault({"PostriderPauseForgotten"}, _paused, lambda world: world.postrider.run("endpoint", "resume", "lunch") and None),
        Fault({"PostriderDeadLetters", "PostriderDeadLettersKept"}, _dead, _discard),
        Fault({"PostriderCallbacksMissed"}, _missed, _withdraw),
        Fault({"PostriderAddressBlocked"}, _blocked_address, _discard),
        Fault({"PostriderDeliveriesLate"}, _late, _release),
    ]


def one_after_the_other() -> list[Fault]:
    claim, census, keys = _rename("claim"), _rename("census"), _rename("keep_keys")
    due = "UPDATE postrider.duties SET last_at = '-infinity', failures = 0 WHERE duty = 'keys'"
    return [
        Fault({"PostriderSaturated"}, _saturated, _empty),
        Fault({"PostriderWorkFailing"}, lambda world: (claim.make(world), world.publish("lunch"))[0], claim.repair),
        Fault({"PostriderNotCounted"}, census.make, census.repair),
        Fault({"PostriderDutyFailing"}, keys.make, keys.repair, again=lambda world: world.sql(due)),
        Fault({"PostriderDatabaseReconnecting"}, _nothing, _nothing, again=_end_sessions),
        Fault({"PostriderNotMeasured", "PostriderNotReady"}, _away, _back),
    ]


def stale() -> Fault:
    """Made, and repaired so that it rings: the worker must go on to report too late."""
    return Fault({"PostriderStaleOutcomes"}, _stale, _go_on)
