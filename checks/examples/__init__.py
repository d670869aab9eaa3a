"""The examples, run as a person would: a shop that publishes, a worker, a receiver that verifies, all on one machine."""

import pathlib
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

from checks import ROOT
from checks.harness.options import Options
from checks.harness.postgres import Session, postgres
from checks.harness.processes import free_port, program, wait_until
from checks.harness.product import Postrider, built_executable
from checks.harness.tally import Tally

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BUILT = ROOT / ".build/examples/debug"
LANGUAGES: dict[str, tuple[list[str | pathlib.Path], list[str | pathlib.Path]]] = {
    "python": ([sys.executable, ROOT / "examples/python/shop.py"], [sys.executable, ROOT / "examples/python/receiver.py"]),
    "swift": ([BUILT / "Shop"], [BUILT / "Receiver"]),
}
# What the shop places; its third order is out of stock.
PLACED = [1, 2, 4]


def check(tally: Tally, options: Options) -> None:
    if "swift" in options.languages:
        subprocess.run(
            ["swift", "build", "--package-path", ROOT / "examples/swift", "--scratch-path", ROOT / ".build/examples"],
            check=True, stdout=subprocess.DEVNULL)
    for language in options.languages:
        _run(language, tally)


def _run(language: str, tally: Tally) -> None:
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
                refused = _forged(port) == 401
                exact = _shipped(session) == PLACED
        print(f"--- {language}: the shop\n{told}--- {language}: the receiver\n{log.read_text()}", flush=True)
        tally.check(f"{language}: every order that was placed is shipped once", None if exact else "it is not")
        tally.check(f"{language}: a forged request is refused", None if refused else "it is not")


def _forged(port: int) -> int:
    """The status that a request with a wrong signature gets."""
    headers = {"webhook-id": "evt_1", "webhook-timestamp": "1732060800", "webhook-signature": "v1,AAAA"}
    try:
        return int(urllib.request.urlopen(
            urllib.request.Request(f"http://127.0.0.1:{port}/", b"{}", headers), timeout=5).status)
    except urllib.error.HTTPError as refusal:
        return refusal.code


def _shipped(session: Session) -> list[int]:
    return [row[0] for row in session.rows("SELECT order_id FROM shipments ORDER BY order_id")]
