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
    # How the shop hears of it; any of these.
    heard: tuple[str, ...]
    tale: str
    is_paid: bool = True


ANY = ("met", "met_by_poll")
ORDERS = [
    Order(1, "19.90", "good", ("met",), "paid"),
    Order(2, "5.00", "good", ("met",), "paid; the callback came twice"),
    Order(3, "7.50", "silent", ("met_by_poll",), "paid; the callback never came"),
    Order(4, "250.00", "declined", ("met",), "declined; a stranger said that it was paid", is_paid=False),
    Order(5, "12.35", "late", ("met_by_poll",), "paid; the callback was late"),
    Order(6, "99.99", "good", ANY, "paid; the shop crashed while it booked this"),
    Order(7, "1234.56", "good", ANY, "paid; the shop was down when it was called"),
]


class Story:
    def __init__(self, scene: Scene) -> None:
        self._scene, self._shop, self._provider = scene, scene.shop, scene.provider
        self._facts: list[Fact] = []

    def tell(self) -> list[Fact]:
        self._say("A shop and its payment provider: two databases, two workers, two inboxes, and nginx before the shop's.")
        for order in ORDERS[:5]:
            self._order(order)
        self._say("The shop has placed orders 1 to 5. Each was committed with the request for its payment, which a worker",
                  "brings to the provider, and with what the shop expects to hear within two seconds.")
        self._twice()
        self._forged()
        self._never()
        self._late()
        # Last, since nothing is asked or heard while the shop is down: before, it would change who is first.
        self._crash()
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
        self._wait("order 4 is declined", lambda: self._states()[4] == "declined")
        body = b'{"type":"payment.succeeded","data":{"payment":"pay-4","order":4,"amount":"250.00","state":"succeeded"}}'
        stored = self._count("pay-4")
        forged = post(self._scene.gateway, body, signed("evt_forged", body, OF_STRANGER), SENDER)
        recorded = post(self._scene.gateway, body, signed("evt_recorded", body, OF_PROVIDER, age_s=3600), SENDER)
        outside = post(self._scene.gateway, body, signed("evt_outside", body, OF_PROVIDER), STRANGER)
        self._say(f"Order 4 is declined. A stranger calls and says it was paid: {forged}, the signature is not the provider's.",
                  f"With a signature that was recorded an hour ago: {recorded}. From an address that is not the provider's: {outside}.")
        self._hold("a forged callback is refused", (forged, recorded) == (401, 401))
        self._hold("the gateway refuses other networks", outside == 403)
        self._hold("nothing of it is stored", self._count("pay-4") == stored and self._states()[4] == "declined")

    def _never(self) -> None:
        self._wait("order 3 is paid", lambda: self._states()[3] == "paid")
        self._hold("a callback that never comes is asked for", self._expected().get("pay-3") == "met_by_poll" and self._called("pay-3") == 0)
        self._say("For order 3 the provider never calls back. When the two seconds are over, the shop's worker asks, and what it is told",
                  "comes to the inbox as a callback would.")

    def _late(self) -> None:
        self._wait("the late callback comes", lambda: self._called("pay-5") == 1)
        self._wait("all is processed", lambda: not self._shop.rows("SELECT 1 FROM postrider.inbox WHERE status <> 'done'"))
        self._say("For order 5 it had asked too; the callback comes later all the same. The shop hears of the payment twice, and books it once.")
        self._hold("a late callback and a poll are both in the inbox", self._count("pay-5") == 2)

    def _crash(self) -> None:
        order = ORDERS[5]
        with self._provider.session() as hold:
            # While this is held the provider does not pay, so there is time to hold the shop's order too.
            hold.rows("BEGIN; LOCK TABLE payments IN SHARE ROW EXCLUSIVE MODE")
            self._order(order)
            with self._shop.session() as held:
                held.rows("BEGIN; SELECT FROM orders WHERE number = %s FOR UPDATE" % order.number)
                hold.rows("COMMIT")
                self._wait("the shop is in the middle of order 6", self._is_booking)
                self._shop.kill("receive", "inbox")
                self._order(ORDERS[6])
                self._wait("the callback for order 7 is refused", self._was_down)
                self._shop.kill("worker")
                held.rows("ROLLBACK")
        self._say("While it books order 6, kill -9 ends the shop's program and its inbox, and then its worker. Order 7 had been placed",
                  "just before. The provider calls back for it, nginx answers 502, and it tries again every second.")
        self._shop.start("worker", "inbox")
        self._scene.receive()
        self._wait("orders 6 and 7 are paid", lambda: [self._states()[number] for number in (6, 7)] == ["paid", "paid"])
        self._say("The shop is back. The half-booked order 6 was rolled back with the row of the inbox, and is booked once; order 7 too.")

    def _close(self) -> None:
        expected = self._expected()
        for order in ORDERS:
            state = expected.get(f"pay-{order.number}")
            self._hold(f"order {order.number}: {order.tale}", state in order.heard, f"its expectation is {state}")
        books = Books.read(self._shop, self._provider)
        self._facts += books.faults({order.number: decimal.Decimal(order.amount) for order in ORDERS if order.is_paid})
        print(f"\n{'order':>7} {'amount':>9}  {'heard by':<9} {'shop':<9} {'provider':<10} what happened")
        for order in ORDERS:
            heard = "a poll" if expected.get(f"pay-{order.number}") == "met_by_poll" else "callback"
            print(f"{order.number:>7} {order.amount:>9}  {heard:<9} {books.orders[order.number]:<9} "
                  f"{books.payments[order.number][1]:<10} {order.tale}")
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

    def _expected(self) -> dict[str, str]:
        return dict(self._shop.rows("SELECT correlation, state FROM postrider.expectations"))

    def _count(self, payment: str) -> int:
        """How many rows of the shop's inbox are about a payment."""
        return self._shop.rows("SELECT count(*) FROM postrider.inbox WHERE correlation = %s", payment)[0][0]

    def _called(self, payment: str) -> int:
        """How many callbacks of the provider about a payment were delivered."""
        return self._provider.rows(
            """
            SELECT count(*) FROM postrider.event_deliveries d JOIN postrider.outbox o ON o.id = d.event_id
            WHERE o.payload ->> 'payment' = %s AND d.status = 'delivered'
            """, payment)[0][0]

    def _duplicates(self, payment: str) -> int:
        return self._shop.rows("SELECT sum(duplicates)::int FROM postrider.inbox WHERE correlation = %s", payment)[0][0]

    def _is_booking(self) -> bool:
        return bool(self._shop.rows("SELECT 1 FROM pg_stat_activity WHERE usename = 'shop' AND wait_event_type = 'Lock'"))

    def _was_down(self) -> bool:
        return bool(self._provider.rows("SELECT 1 FROM postrider.attempt_log WHERE http_status = 502"))
