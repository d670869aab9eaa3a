"""A payment provider.

    provider.py receive            makes the payments that shops ask for, and calls back, until it is ended
    provider.py tell PORT TOKEN    tells how a payment stands: GET /payments/ID, with the token

Where the database is, libpq's own variables say (PGHOST, PGDATABASE, …). As with other providers, test cards say what is to happen: `good`, `declined`,
`silent` (paid, but the callback is never sent), `late` (it is sent six seconds later).
"""

import hmac
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

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
    # A part of the provider that has no outbox loses a callback now and then. This card is such a case.
    if request["card"] != "silent":
        connection.execute(
            """
            INSERT INTO postrider.outbox (event_type, payload, deliver_after)
            VALUES (%s, %s, CASE WHEN %s THEN now() + interval '6 s' END)
            """,
            [f"payment.{state}", json.dumps(told(connection, request["payment"])), request["card"] == "late"])


def told(connection, payment):
    """What the provider says of a payment, in a callback or when it is asked; None when it knows none."""
    row = connection.execute("SELECT id, order_number, amount, state FROM payments WHERE id = %s", [payment]).fetchone()
    return row and {"payment": row[0], "order": row[1], "amount": str(row[2]), "state": row[3]}


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


class Teller(BaseHTTPRequestHandler):
    token = ""

    def do_GET(self):
        folder, _, payment = self.path.removeprefix("/").partition("/")
        given = self.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {self.token}".encode()):
            return self.answer(401, {"error": "the token is wrong"})
        with psycopg.connect() as connection:
            known = told(connection, payment) if folder == "payments" else None
        if known is None:
            return self.answer(404, {"error": "no such payment"})
        # As the callback would have told it.
        self.answer(200, {"type": f"payment.{known['state']}", "data": known})

    def answer(self, status, content):
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


match sys.argv[1:]:
    case ["receive"]:
        with psycopg.connect(autocommit=True) as database:
            while True:
                if receive(database) == 0:
                    time.sleep(PAUSE_S)
    case ["tell", port, token]:
        Teller.token = token
        ThreadingHTTPServer(("127.0.0.1", int(port)), Teller).serve_forever()
    case _:
        sys.exit(__doc__)
