"""A shop that has orders paid by a payment provider.

    shop.py order NUMBER AMOUNT CARD     places an order and asks for its payment
    shop.py receive                      books what the provider answers, until it is ended

Where the database is, libpq's own variables say (PGHOST, PGDATABASE, …). PROVIDER_URL and PROVIDER_TOKEN: where, and with which token, the provider
tells how a payment stands.
"""

import decimal
import json
import os
import sys
import time

import psycopg

# A program that finds nothing looks again after this time, in seconds.
PAUSE_S = 0.1


def order(connection, number, amount, card):
    """The order, the request for its payment, and what is to be heard of it: all of it, or nothing."""
    payment = f"pay-{number}"
    # An amount is text in JSON: many a reader makes a binary fraction of a number, and then a cent is missing.
    request = {"payment": payment, "order": number, "amount": str(amount), "card": card}
    with connection.transaction():
        connection.execute("INSERT INTO orders (number, amount) VALUES (%s, %s)", [number, amount])
        connection.execute(
            "INSERT INTO postrider.outbox (event_type, payload) VALUES ('payment.requested', %s)", [json.dumps(request)])
        connection.execute(
            """
            SELECT postrider.expect(
                correlation => %s, within => '2 s', source => 'provider',
                otherwise => 'poll', poll_url => %s, poll_headers => %s, poll_every => '1 s', poll_for => '1 min')
            """,
            [payment, f"{os.environ['PROVIDER_URL']}/payments/{payment}",
             json.dumps({"Authorization": f"Bearer {os.environ['PROVIDER_TOKEN']}"})])


def book(connection, payment):
    """Books what became of a payment. Hearing it again changes nothing."""
    state = {"succeeded": "paid", "declined": "declined"}[payment["state"]]
    amount = decimal.Decimal(payment["amount"])
    if state == "paid":
        is_new = connection.execute(
            "INSERT INTO receipts (payment, order_number, amount) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
            [payment["payment"], payment["order"], amount]).rowcount
        if is_new:
            connection.execute("UPDATE till SET balance = balance + %s", [amount])
    found = connection.execute(
        "UPDATE orders SET state = %s WHERE number = %s AND amount = %s AND state IN ('open', %s)",
        [state, payment["order"], amount, state]).rowcount
    if not found:
        raise ValueError(f"order {payment['order']} over {amount} cannot become {state}")


def receive(connection):
    """Takes what came in, books it, and ends it, in one transaction: killed in the middle, it has done nothing."""
    with connection.transaction():
        rows = connection.execute("SELECT id, body FROM postrider.take_inbox('provider', 10)").fetchall()
        for identifier, body in rows:
            try:
                with connection.transaction():      # a savepoint: undone alone when this row fails
                    book(connection, json.loads(body)["data"])
                    connection.execute("SELECT postrider.finish_inbox(%s)", [identifier])
            except (psycopg.errors.DataError, psycopg.errors.IntegrityError, ValueError, KeyError) as error:
                connection.execute("SELECT postrider.fail_inbox(%s, %s)", [identifier, repr(error)])
    return len(rows)


with psycopg.connect(autocommit=True) as database:
    match sys.argv[1:]:
        case ["order", number, amount, card]:
            order(database, int(number), decimal.Decimal(amount), card)
        case ["receive"]:
            while True:
                if receive(database) == 0:
                    time.sleep(PAUSE_S)
        case _:
            sys.exit(__doc__)
