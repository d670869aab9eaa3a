"""The books of both companies, and what does not agree in them."""

import dataclasses
import decimal

from checks.examples.payments.company import Company


@dataclasses.dataclass(frozen=True)
class Books:
    # Of the shop: each order's state, each receipt's amount by order, and the sum that was added up one by one.
    orders: dict[int, str]
    receipts: dict[int, decimal.Decimal]
    till: decimal.Decimal
    # Of the provider: each payment's amount and state by order, and the sum that was added up one by one.
    payments: dict[int, tuple[decimal.Decimal, str]]
    owed: decimal.Decimal

    @staticmethod
    def read(shop: Company, provider: Company) -> "Books":
        payments = provider.rows("SELECT order_number, amount, state FROM payments")
        return Books(
            dict(shop.rows("SELECT number, state FROM orders")), dict(shop.rows("SELECT order_number, amount FROM receipts")),
            shop.rows("SELECT balance FROM till")[0][0],
            {order: (amount, state) for order, amount, state in payments},
            provider.rows("SELECT balance FROM accounts WHERE holder = 'shop'")[0][0])

    def faults(self, wanted: dict[int, decimal.Decimal]) -> list[tuple[str, str | None]]:
        """What must hold, each with what is wrong. `wanted` are the orders that were to be paid."""
        succeeded = {order: amount for order, (amount, state) in self.payments.items() if state == "succeeded"}
        paid = {order for order, state in self.orders.items() if state == "paid"}
        total = sum(wanted.values())
        return [
            ("the provider was paid what was ordered", None if succeeded == wanted else f"{succeeded}"),
            ("the shop has a receipt for each payment", None if self.receipts == succeeded else f"{self.receipts}"),
            ("what has a receipt is paid, and nothing else is", None if paid == set(self.receipts) else f"{paid}"),
            ("no payment was booked twice", None if self.till == total and self.owed == total else f"{self.till}, {self.owed}, {total}"),
        ]
