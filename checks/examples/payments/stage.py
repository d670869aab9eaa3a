"""Sets the scene: two companies that know each other's secrets and nothing else, and a gateway before the inbox of one."""

import contextlib
import pathlib
import secrets
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence

from checks.examples.gateways import Gateway, gateway
from checks.examples.payments.company import FOLDER, Company
from checks.harness.postgres import postgres
from checks.harness.processes import free_port, listens, wait_until

# What each signs its requests with, and the other verifies them by; with another secret only a stranger signs.
OF_SHOP, OF_PROVIDER, OF_STRANGER = (
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "whsec_plJ3nmyCDGBKInavdOK15jsl")
# So that the story does not last for hours, both try again after a second.
SCHEDULE = ("--retry-schedule", ",".join(["1s"] * 30))


class Scene:
    def __init__(self, shop: Company, provider: Company, gateway: Gateway, program: Sequence[str | pathlib.Path]) -> None:
        self.shop, self.provider, self.gateway = shop, provider, gateway
        self.began = time.monotonic()
        self._program = program
        self._teller, self._token = f"http://127.0.0.1:{free_port()}", secrets.token_hex()

    def open(self) -> None:
        """Makes each known to the other, and starts all there is."""
        shop, provider = self.shop.postrider, self.provider.postrider
        paths = ("--correlation-from", "$.data.payment")
        provider.run("source", "add", "shop", "--scheme", "standard", "--secret", OF_SHOP, *paths)
        shop.run("source", "add", "provider", "--scheme", "standard", "--secret", OF_PROVIDER, *paths, "--trust-proxy", "127.0.0.1/32")
        shop.run("endpoint", "add", "provider", f"http://{self.provider.inbox_address}/in/shop", "--event-type", "payment.requested",
                 "--secret", OF_SHOP, *SCHEDULE)
        provider.run("endpoint", "add", "shop", f"https://127.0.0.1:{self.gateway.plain}/in/provider", "--event-type", "payment.*",
                     "--secret", OF_PROVIDER, "--ca", str(self.gateway.folder / "ca.pem"), *SCHEDULE)
        for company in (self.shop, self.provider):
            company.start("worker", "inbox")
        script = [sys.executable, FOLDER / "provider.py"]
        self.provider.start_program("receive", [*script, "receive"])
        self.provider.start_program("tell", [*script, "tell", self._teller.rpartition(":")[2], self._token])
        wait_until("the provider answers questions", lambda: listens(self._teller.removeprefix("http://")), 10)
        self.receive()

    def receive(self) -> None:
        """Starts the shop's program that books what comes in."""
        self.shop.start_program("receive", [*self._program, "receive"])

    def order(self, number: int, amount: str, card: str) -> None:
        """Has the shop place an order."""
        self.shop.run_program([*self._program, "order", str(number), amount, card],
                              PROVIDER_URL=self._teller, PROVIDER_TOKEN=self._token)


@contextlib.contextmanager
def stage(program: Sequence[str | pathlib.Path]) -> Iterator[Scene]:
    """`program` is the shop's."""
    with postgres() as server, tempfile.TemporaryDirectory(prefix="postrider-payments-") as folder:
        with contextlib.closing(Company("shop", server)) as shop, contextlib.closing(Company("provider", server)) as provider:
            inbox_port = int(shop.inbox_address.rpartition(":")[2])
            with gateway("nginx", pathlib.Path(folder), inbox_port) as running:
                scene = Scene(shop, provider, running, program)
                scene.open()
                yield scene
