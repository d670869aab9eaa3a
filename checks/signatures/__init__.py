"""Requests of a worker before the libraries that their receivers use: signatures, tokens, CloudEvents, OAuth 2 and client certificates."""

import contextlib
import tempfile
from pathlib import Path

from checks.harness.options import Options
from checks.harness.postgres import Postgres, postgres
from checks.harness.processes import wait_until
from checks.harness.product import Postrider, built_executable
from checks.harness.tally import Tally
from checks.signatures import libraries, mutual_tls, oauth2
from checks.signatures.receiver import Receiver

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NEW_SECRET = "whsec_VlZWVlZWVlZWVlZWVlZWVlZWVlZWVlZWVlZWVlZWVlY="
TEXT_SECRET = "It's a Secret to Everybody"
# Name: what `endpoint add` is told beside the URL.
ENDPOINTS: dict[str, tuple[str, ...]] = {
    "standard": ("--secret", SECRET, "--signature", "v1", "--signature", "svix", "--signature", "stripe", "--signature", "shopify"),
    "github": ("--secret", TEXT_SECRET, "--signature", "github", "--signature", "slack"),
    "v1a": ("--secret", SECRET, "--signature", "v1a", "--auth", "jwt"),
    "jwt": ("--secret", SECRET, "--auth", "jwt"),
    "structured": ("--secret", SECRET, "--payload-format", "cloudevents"),
    "binary": ("--secret", SECRET, "--payload-format", "cloudevents-binary", "--tenant", "a b/ü"),
    "slack": ("--secret", SECRET, "--payload-format", "slack", "--text", "*{order_id}* {note}"),
    "discord": ("--secret", SECRET, "--payload-format", "discord", "--text", "{note}"),
    "teams": ("--secret", SECRET, "--payload-format", "teams", "--text", "{note}"),
}


def check(tally: Tally, _: Options) -> None:
    with postgres() as server, Receiver() as receiver, tempfile.TemporaryDirectory() as folder:
        postrider = Postrider(built_executable(), server)
        postrider.run("migrate")
        _schemes(postrider, server, receiver, tally)
        oauth2.check(postrider, server, tally)
        with contextlib.ExitStack() as stack:
            mutual_tls.check(postrider, server, Path(folder), stack, tally)


def _schemes(postrider: Postrider, server: Postgres, receiver: Receiver, tally: Tally) -> None:
    for name, options in ENDPOINTS.items():
        postrider.run("endpoint", "add", name, f"{receiver.url}/{name}", *options)
    # During a rotation each live secret signs, in the schemes that can carry several.
    postrider.run("endpoint", "rotate-secret", "standard", "--secret", NEW_SECRET)
    postrider.run("endpoint", "rotate-secret", "v1a", "--secret", NEW_SECRET)
    with postrider.worker(), server.session() as session:
        for tenant in ("", "a b/ü"):
            session.rows("INSERT INTO postrider.outbox (event_type, payload, tenant) VALUES ('order.paid', %s, %s)",
                         libraries.PAYLOAD, tenant)
        requests = wait_until("each endpoint gets its request", lambda: receiver.requests(len(ENDPOINTS)), 20)
        public = libraries.public_keys(postrider.run("endpoint", "show", "v1a", "--json"))
    libraries.check(requests, (SECRET, NEW_SECRET), TEXT_SECRET, public, tally)
