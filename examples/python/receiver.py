"""A receiver: verifies each webhook, and does its work once even when a webhook comes twice.

The id of the webhook and the work are committed together, in the receiver's own database. Usage: receiver.py PORT SECRET
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg
from standardwebhooks import Webhook, WebhookVerificationError

LONGEST = 1 << 20
port, secret = int(sys.argv[1]), sys.argv[2]


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        length = int(self.headers.get("content-length", 0))
        if length > LONGEST:
            return self.answer(413)
        # The bytes as they came: parsed and written again, they would not fit the signature.
        body = self.rfile.read(length)
        try:
            Webhook(secret).verify(body, dict(self.headers))
        except WebhookVerificationError:
            return self.answer(401)
        event = json.loads(body)
        if event["type"] != "order.placed":      # nothing to do, as for the ping of `endpoint test`
            return self.answer(204)
        with psycopg.connect() as database:      # commits at the end
            new = database.execute(
                "INSERT INTO seen_webhooks (id) VALUES (%s) ON CONFLICT DO NOTHING RETURNING id",
                [self.headers["webhook-id"]]).fetchone()
            if new:
                number = event["data"]["order_id"]
                database.execute("INSERT INTO shipments (order_id) VALUES (%s)", [number])
                print(f"order {number} will be shipped", flush=True)
        self.answer(204)

    def answer(self, status):
        self.send_response(status)
        self.end_headers()

    def log_message(self, *_):
        pass


with psycopg.connect() as database:
    # Keep ids for as long as the sender may try again: 75 hours and 35 minutes, unless its schedule was changed.
    database.execute("CREATE TABLE IF NOT EXISTS seen_webhooks (id text PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())")
    database.execute("CREATE TABLE IF NOT EXISTS shipments (order_id bigint)")
server = ThreadingHTTPServer(("127.0.0.1", port), Receiver)
print(f"listening on 127.0.0.1:{port}", flush=True)
server.serve_forever()
