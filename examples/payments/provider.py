"""A payment provider.

    provider.py receive    makes the payments that shops ask for, and calls back, until it is ended

Where the database is, libpq's own variables say (PGHOST, PGDATABASE, …). As with other providers, test cards say what is to happen: `good`, `declined`,
`late` (paid, and the callback is sent four seconds later).
"""

import json
import sys
import time

import psycopg

# A program that finds nothing looks again after this time, in seconds.
PAUSE_S = 0.1


def pay(connection, request):
    """The payment, and the callback that tells of it: both, or none. Being asked again changes nothing."""
    state = "declined" if request["card"] == "declined" else "succeeded"
    is_new = connection.execute(
        "INSERT INTO payments (id, order_number, amount, state) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
        [request["payment"], request["order"], request["amount"], state]).rowcount
    if not is_new:
        return
    if state == "succeeded":
        connection.execute("UPDATE accounts SET balance = balance + %s WHERE holder = 'shop'", [request["amount"]])
    connection.execute(
        """
        INSERT INTO postrider.outbox (event_type, payload, deliver_after)
        VALUES (%s, %s, CASE WHEN %s THEN now() + interval '4 s' END)
        """,
        [f"payment.{state}", json.dumps(told(connection, request["payment"])), request["card"] == "late"])


def told(connection, payment):
    """What the provider says of a payment."""
    row = connection.execute("SELECT id, order_number, amount, state FROM payments WHERE id = %s", [payment]).fetchone()
    return {"payment": row[0], "order": row[1], "amount": str(row[2]), "state": row[3]}


def receive(connection):
    with connection.transaction():
        rows = connection.execute("SELECT id, body FROM postrider.take_inbox('shop', 10)").fetchall()
        for identifier, body in rows:
            try:
                with connection.transaction():      # a savepoint: undone alone when this row fails
                    pay(connection, json.loads(body)["data"])
                    connection.execute("SELECT postrider.finish_inbox(%s)", [identifier])
            except (psycopg.errors.DataError, ValueError, KeyError) as error:
                connection.execute("SELECT postrider.fail_inbox(%s, %s)", [identifier, repr(error)])
    return len(rows)


match sys.argv[1:]:
    case ["receive"]:
        with psycopg.connect(autocommit=True) as database:
            while True:
                if receive(database) == 0:
                    time.sleep(PAUSE_S)
    case _:
        sys.exit(__doc__)
