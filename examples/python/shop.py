"""A shop: each order and the event that tells of it are committed together, or neither is.

Where the database is, libpq's own variables say (PGHOST, PGDATABASE, …).
"""

import json

import psycopg

ORDERS = [(1, "19.90", True), (2, "5.00", True), (3, "7.50", False), (4, "120.00", True)]


class OutOfStock(Exception):
    pass


def place(connection, number, total, in_stock):
    with connection.transaction():
        connection.execute("INSERT INTO orders (id, total) VALUES (%s, %s)", [number, total])
        connection.execute(
            "INSERT INTO postrider.outbox (event_type, payload, ordering_key) VALUES ('order.placed', %s, %s)",
            [json.dumps({"order_id": number, "total": total}), f"order-{number}"])
        if not in_stock:
            raise OutOfStock


with psycopg.connect(autocommit=True) as shop:
    shop.execute("CREATE TABLE IF NOT EXISTS orders (id bigint PRIMARY KEY, total numeric NOT NULL)")
    for number, total, in_stock in ORDERS:
        try:
            place(shop, number, total, in_stock)
            print(f"order {number} over {total} is placed")
        except OutOfStock:
            print(f"order {number} is out of stock: neither the order nor its event is kept")
