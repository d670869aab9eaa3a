"""A shop that publishes, a worker, a receiver that verifies, all on one machine."""

import datetime
import json
import pathlib
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

from standardwebhooks import Webhook

from checks import ROOT
from checks.harness.postgres import Session, postgres
from checks.harness.processes import Failure, free_port, program, wait_until
from checks.harness.product import Postrider, built_executable
from checks.harness.tally import Tally

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
# What only a stranger signs with.
OTHER_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
BUILT = ROOT / ".build/examples/debug"
LANGUAGES: dict[str, tuple[list[str | pathlib.Path], list[str | pathlib.Path]]] = {
    "python": ([sys.executable, ROOT / "examples/python/shop.py"], [sys.executable, ROOT / "examples/python/receiver.py"]),
    "swift": ([BUILT / "Shop"], [BUILT / "Receiver"]),
}
# What the shop places; its third order is out of stock.
PLACED = [1, 2, 4]
# What is sent to the receiver twice, without the shop and the worker.
TWICE = 7


def check(language: str, tally: Tally) -> None:
    shop, receiver = LANGUAGES[language]
    port = free_port()
    with postgres() as server, tempfile.TemporaryDirectory() as directory:
        postrider = Postrider(built_executable(), server)
        environment = postrider.environment | {"PGHOST": str(server.root), "PGUSER": "postgres", "PGDATABASE": "postgres"}
        postrider.run("migrate")
        postrider.run("endpoint", "add", "shipping", f"http://127.0.0.1:{port}/", "--event-type", "order.*", "--secret", SECRET)
        log = pathlib.Path(directory, "log")
        with open(log, "w") as heard, program([*receiver, str(port), SECRET], env=environment, stdout=heard), postrider.worker():
            wait_until("the receiver listens", lambda: "listening" in log.read_text(), 20)
            told = subprocess.run(shop, env=environment, check=True, capture_output=True, text=True).stdout
            with server.session() as session:
                wait_until("what was placed is shipped", lambda: _shipped(session) == PLACED, 20)
                _send_by_hand(port, language, tally)
                tally.check(f"{language}: endpoint test succeeds", _problem_of_ping(postrider))
                shipped = _shipped(session)
        tally.check(f"{language}: every order is shipped once", None if shipped == [*PLACED, TWICE] else f"shipped: {shipped}")
        print(f"--- {language}: the shop\n{told}--- {language}: the receiver\n{log.read_text()}", flush=True)


def _problem_of_ping(postrider: Postrider) -> str | None:
    try:
        postrider.run("endpoint", "test", "shipping")
        return None
    except Failure as failure:
        return str(failure)


def _send_by_hand(port: int, language: str, tally: Tally) -> None:
    """Requests as a stranger and as a worker that repeats itself would send them, signed by a library that is not ours."""
    for what, order, age_s, secret, wanted in (
        ("a webhook is taken", TWICE, 0, SECRET, 204),
        ("a webhook that comes twice is taken too", TWICE, 0, SECRET, 204),
        ("a fresh webhook signed with another secret is refused", 8, 0, OTHER_SECRET, 401),
        ("an old webhook with the right signature is refused", 9, 3600, SECRET, 401),
    ):
        body = json.dumps({"type": "order.placed", "data": {"order_id": order}})
        status = _status_of(port, f"evt_{order}", body, datetime.timedelta(seconds=age_s), secret)
        tally.check(f"{language}: {what}", None if status == wanted else f"the answer is {status}, not {wanted}")


def _status_of(port: int, identifier: str, body: str, age: datetime.timedelta, secret: str) -> int:
    sent = datetime.datetime.now(datetime.timezone.utc) - age
    headers = {
        "content-type": "application/json", "webhook-id": identifier, "webhook-timestamp": str(int(sent.timestamp())),
        "webhook-signature": Webhook(secret).sign(identifier, sent, body),
    }
    try:
        return int(urllib.request.urlopen(
            urllib.request.Request(f"http://127.0.0.1:{port}/", body.encode(), headers), timeout=5).status)
    except urllib.error.HTTPError as refusal:
        return refusal.code


def _shipped(session: Session) -> list[int]:
    return [row[0] for row in session.rows("SELECT order_id FROM shipments ORDER BY order_id")]
