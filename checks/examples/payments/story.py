"""What happens, step by step, told so that a newcomer can follow; and what must hold in the end."""

import dataclasses
import decimal
import time
from collections.abc import Callable

from checks.examples.gateways import SENDER, STRANGER, post, signed
from checks.examples.payments.books import Books
from checks.examples.payments.stage import OF_PROVIDER, OF_STRANGER, Scene
from checks.harness.processes import wait_until

# What is true, and what is wrong with it; None when it holds.
Fact = tuple[str, str | None]


@dataclasses.dataclass(frozen=True)
class Order:
    number: int
    amount: str
    card: str
    tale: str
    is_paid: bool = True


ORDERS = [
    Order(1, "19.90", "good", "paid"),
    Order(2, "5.00", "good", "paid; the callback came twice"),
    Order(3, "250.00", "declined", "declined; a stranger said that it was paid", is_paid=False),
    Order(4, "12.35", "late", "paid; the callback was late"),
    Order(5, "99.99", "good", "paid; the shop crashed while it booked this"),
    Order(6, "1234.56", "good", "paid; the shop was down when it was called"),
]


class Story:
    def __init__(self, scene: Scene) -> None:
        self._scene, self._shop, self._provider = scene, scene.shop, scene.provider
        self._facts: list[Fact] = []

    def tell(self) -> list[Fact]:
        self._say("A shop and its payment provider: two databases, two workers, two inboxes, and nginx before the shop's.")
        for order in ORDERS[:4]:
            self._order(order)
        self._say("The shop has placed orders 1 to 4. Each was committed with the request for its payment, which a worker",
                  "brings to the provider.")
        self._twice()
        self._forged()
        self._crash()
        self._late()
        self._close()
        return self._facts

    # ------------------------------------------------------------------------------------------------------------ the steps

    def _twice(self) -> None:
        self._wait("order 2 is paid", lambda: self._states()[2] == "paid")
        event, = self._provider.rows("SELECT id FROM postrider.outbox WHERE payload ->> 'payment' = 'pay-2'")[0]
        self._provider.postrider.run("event", "replay", str(event))
        self._wait("the callback comes again", lambda: self._duplicates("pay-2") == 1)
        self._say("Order 2 is paid. The provider calls back for it once more, under the same id: the inbox answers 200, and keeps it once.")
        self._hold("a callback that comes twice is stored once", self._count("pay-2") == 1)

    def _forged(self) -> None:
        self._wait("order 3 is declined", lambda: self._states()[3] == "declined")
        body = b'{"type":"payment.succeeded","data":{"payment":"pay-3","order":3,"amount":"250.00","state":"succeeded"}}'
        stored = self._count("pay-3")
        forged = post(self._scene.gateway, body, signed("evt_forged", body, OF_STRANGER), SENDER)
        recorded = post(self._scene.gateway, body, signed("evt_recorded", body, OF_PROVIDER, age_s=3600), SENDER)
        outside = post(self._scene.gateway, body, signed("evt_outside", body, OF_PROVIDER), STRANGER)
        self._say(f"Order 3 is declined. A stranger calls and says it was paid: {forged}, the signature is not the provider's.",
                  f"With a signature that was recorded an hour ago: {recorded}. From an address that is not the provider's: {outside}.")
        self._hold("a forged callback is refused", (forged, recorded) == (401, 401))
        self._hold("the gateway refuses other networks", outside == 403)
        self._hold("nothing of it is stored", self._count("pay-3") == stored and self._states()[3] == "declined")

    def _crash(self) -> None:
        order = ORDERS[4]
        with self._provider.session() as hold:
            # While this is held the provider does not pay, so there is time to hold the shop's order too.
            hold.rows("BEGIN; LOCK TABLE payments IN SHARE ROW EXCLUSIVE MODE")
            self._order(order)
            with self._shop.session() as held:
                held.rows("BEGIN; SELECT FROM orders WHERE number = %s FOR UPDATE" % order.number)
                hold.rows("COMMIT")
                self._wait("the shop is in the middle of order 5", self._is_booking)
                self._shop.kill("receive", "inbox")
                self._order(ORDERS[5])
                self._wait("the callback for order 6 is refused", self._was_down)
                self._shop.kill("worker")
                held.rows("ROLLBACK")
        self._say("While it books order 5, kill -9 ends the shop's program and its inbox, and then its worker. Order 6 had been placed",
                  "just before. The provider calls back for it, nginx answers 502, and it tries again every second.")
        self._shop.start("worker", "inbox")
        self._scene.receive()
        self._wait("orders 5 and 6 are paid", lambda: [self._states()[number] for number in (5, 6)] == ["paid", "paid"])
        self._say("The shop is back. The half-booked order 5 was rolled back with the row of the inbox, and is booked once; order 6 too.")

    def _late(self) -> None:
        self._wait("order 4 is paid", lambda: self._states()[4] == "paid")
        self._wait("all is processed", lambda: not self._shop.rows("SELECT 1 FROM postrider.inbox WHERE status <> 'done'"))
        self._say("For order 4 the provider calls back late, and it is paid as well.")

    def _close(self) -> None:
        books = Books.read(self._shop, self._provider)
        self._facts += books.faults({order.number: decimal.Decimal(order.amount) for order in ORDERS if order.is_paid})
        print(f"\n{'order':>7} {'amount':>9}  {'shop':<9} {'provider':<10} what happened")
        for order in ORDERS:
            print(f"{order.number:>7} {order.amount:>9}  {books.orders[order.number]:<9} {books.payments[order.number][1]:<10} {order.tale}")
        print(f"\n  The shop has {books.till}, the provider owes it {books.owed}: "
              + ("the books agree, cent for cent." if books.till == books.owed else "THE BOOKS DIFFER.") + "\n", flush=True)

    # -------------------------------------------------------------------------------------------------------- what they do

    def _order(self, order: Order) -> None:
        self._scene.order(order.number, order.amount, order.card)

    def _say(self, *lines: str) -> None:
        began = f"{time.monotonic() - self._scene.began:5.1f} s  "
        for number, line in enumerate(lines):
            print((began if number == 0 else " " * len(began)) + line, flush=True)

    def _hold(self, what: str, holds: bool, otherwise: str = "it does not hold") -> None:
        self._facts.append((what, None if holds else otherwise))

    def _wait(self, what: str, condition: Callable[[], object]) -> None:
        wait_until(what, condition, 20, step_s=0.05)

    # ------------------------------------------------------------------------------------------------------- what they know

    def _states(self) -> dict[int, str]:
        return dict(self._shop.rows("SELECT number, state FROM orders"))

    def _count(self, payment: str) -> int:
        """How many rows of the shop's inbox are about a payment."""
        return self._shop.rows("SELECT count(*) FROM postrider.inbox WHERE correlation = %s", payment)[0][0]

    def _duplicates(self, payment: str) -> int:
        return self._shop.rows("SELECT sum(duplicates)::int FROM postrider.inbox WHERE correlation = %s", payment)[0][0]

    def _is_booking(self) -> bool:
        return bool(self._shop.rows("SELECT 1 FROM pg_stat_activity WHERE usename = 'shop' AND wait_event_type = 'Lock'"))

    def _was_down(self) -> bool:
        return bool(self._provider.rows("SELECT 1 FROM postrider.attempt_log WHERE http_status = 502"))
