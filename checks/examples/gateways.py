"""The rules of examples/payments/gateway, on nginx, Envoy and Caddy before a running inbox: each lets one request pass and one not."""

import contextlib
import datetime
import http.client
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import standardwebhooks

from checks import ROOT
from checks.harness.certificates import authority, certificate
from checks.harness.postgres import Session, postgres
from checks.harness.processes import Failure, free_port, program, wait_until
from checks.harness.tally import Tally
from checks.receiving.process import as_receiver, serve

RULES = ROOT / "examples/payments/gateway"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"type":"payment.succeeded"}'
# A sender's address within the networks of the rules, one that sends too much, and one outside of them.
SENDER, NOISY, STRANGER = "127.0.0.1", "127.0.0.2", "127.0.0.9"
LARGEST = 256 << 10
# Where each listens as its file says, without and with a client's certificate. The inbox is on 8090 there.
PORTS = {"nginx": (8443, 8444), "envoy": (8453, 8454), "caddy": (8463, 8464)}
INBOX_PORT = 8090
# Caddy itself counts no requests.
LIMITS_RATE = {"nginx": True, "envoy": True, "caddy": False}


class Gateway:
    """A running gateway on ports of its own, with certificates of two authorities: ours, and another that no one trusts."""

    def __init__(self, name: str, folder: Path, plain: int, mutual: int) -> None:
        self.name, self.folder, self.plain, self.mutual = name, folder, plain, mutual

    def connection(self, client: str | None = None, is_mutual: bool = False, address: str = SENDER) -> http.client.HTTPSConnection:
        """A connection over TLS from an address; `client` is the certificate that it shows."""
        context = ssl.create_default_context(cafile=str(self.folder / "ca.pem"))
        if client:
            context.load_cert_chain(self.folder / f"{client}.pem", self.folder / f"{client}.key")
        port = self.mutual if is_mutual else self.plain
        return http.client.HTTPSConnection("localhost", port, timeout=10, context=context, source_address=(address, 0))


@contextlib.contextmanager
def gateway(name: str, folder: Path, inbox_port: int) -> Iterator[Gateway]:
    """Runs one on free ports by its file, which its own check must have found right."""
    folder.chmod(0o755)
    for signer in ("ca", "other"):
        authority(folder, signer)
    certificate(folder, "gateway", "subjectAltName=IP:127.0.0.1,DNS:localhost")
    certificate(folder, "sender", "extendedKeyUsage=clientAuth")
    certificate(folder, "forged", "extendedKeyUsage=clientAuth", by="other")
    shutil.copy(folder / "ca.pem", folder / "senders.pem")
    ports = (free_port(), free_port())
    for file in RULES.iterdir():
        text = file.read_text()
        for old, new in zip((*PORTS[name], INBOX_PORT), (*ports, inbox_port)):
            for before in ("127.0.0.1:", "localhost:", "port_value: "):
                text = text.replace(f"{before}{old}", f"{before}{new}")
        (folder / file.name).write_text(text)
    judge, run = _commands(name, folder)
    judged = subprocess.run(judge, cwd=folder, capture_output=True, text=True)
    if judged.returncode != 0:
        raise Failure(f"{name} refuses its file: {judged.stdout[-500:]}{judged.stderr[-1000:]}")
    with open(folder / "log", "w") as log, program(run, cwd=folder, stdout=log, stderr=log):
        started = Gateway(name, folder, *ports)
        wait_until(f"{name} answers", lambda: _answers(started), 20)
        yield started


def _commands(name: str, folder: Path) -> tuple[list[str | Path], list[str | Path]]:
    """How a file is checked, and how it is run."""
    tools = Path(sys.executable).parent
    match name:
        case "nginx":
            words = [shutil.which("nginx") or "/usr/sbin/nginx", "-p", folder, "-c", folder / "nginx.conf", "-e", "stderr"]
            return [*words, "-t"], [*words, "-g", "daemon off;"]
        case "envoy":
            words = [tools / "envoy", "--config-path", "envoy.yaml", "--log-level", "warning", "--concurrency", "1"]
            return [*words, "--mode", "validate"], [*words, "--use-dynamic-base-id"]
        case _:
            words = ["--config", "Caddyfile", "--adapter", "caddyfile"]
            return [tools / "caddy", "validate", *words], [tools / "caddy", "run", *words]


def _answers(gateway: Gateway) -> bool:
    with contextlib.suppress(OSError):
        return _status(gateway.connection(), "GET", "/") == 404
    return False


def signed(identifier: str, body: bytes, secret: str = SECRET, age_s: int = 0) -> dict[str, str]:
    """The headers of a webhook, by a library that is not ours."""
    at = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=age_s)
    return {
        "content-type": "application/json", "webhook-id": identifier, "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": standardwebhooks.Webhook(secret).sign(identifier, at, body.decode()),
    }


def post(gateway: Gateway, body: bytes, headers: dict[str, str], address: str) -> int | None:
    """The status of what a gateway answers to a callback from an address."""
    return _status(gateway.connection(address=address), "POST", "/in/provider", body, headers)


def _status(connection: http.client.HTTPConnection, method: str, path: str, body: bytes | None = None,
            headers: dict[str, str] | None = None) -> int | None:
    """The status of an answer; None where the connection is refused or ends without one."""
    try:
        with contextlib.closing(connection):
            connection.request(method, path, body, headers or {})
            return connection.getresponse().status
    except (ssl.SSLError, ConnectionError, http.client.HTTPException):
        return None


def check(tally: Tally) -> None:
    with postgres() as server:
        postrider = as_receiver(server)
        with server.session() as session, serve(postrider) as inbox:
            session.rows(
                "SELECT postrider.add_source('provider', 'standard', ARRAY[%s], trust_proxies => '{127.0.0.1/32}')", SECRET)
            time.sleep(2)
            for name in PORTS:
                with tempfile.TemporaryDirectory(prefix="postrider-gateway-") as folder, gateway(
                        name, Path(folder), inbox.port) as running:
                    _check(running, session, tally)


def _check(gateway: Gateway, session: Session, tally: Tally) -> None:
    name = gateway.name

    def hold(what: str, status: int | None, *wanted: int | None) -> None:
        tally.check(f"{name}: {what}", None if status in wanted else f"the answer is {status}, not {' or '.join(map(str, wanted))}")

    def send(identifier: str, body: bytes = BODY, path: str = "/in/provider", method: str = "POST",
             headers: dict[str, str] | None = None, **how: str | bool) -> int | None:
        connection = gateway.connection(**how)  # type: ignore[arg-type]
        return _status(connection, method, path, body, signed(f"{name}-{identifier}", body) | (headers or {}))

    hold("a webhook passes", send("good"), 200)
    hold("without TLS none does", _status(http.client.HTTPConnection("127.0.0.1", gateway.plain, timeout=10), "POST", "/in/provider", BODY,
                                          signed(f"{name}-plain", BODY)), 400, None)
    hold("no other method passes", send("put", method="PUT"), 405)
    hold("no other source passes", send("other", path="/in/other"), 404)
    hold("nothing beside the inbox passes", send("metrics", path="/metrics", method="GET"), 404)
    hold("a body of the largest size passes", send("large", BODY[:-1] + b" " * (LARGEST - len(BODY)) + b"}"), 200)
    hold("a larger one does not", send("larger", b" " * (LARGEST + 1)), 413)
    hold("nothing passes from outside the networks", send("stranger", address=STRANGER), 403)
    hold("what is not signed passes the gateway, and the inbox refuses it",
         send("forged", headers={"webhook-signature": "v1,AAAA"}), 401)
    hold("mutual TLS: a sender with its certificate passes", send("mutual", is_mutual=True, client="sender"), 200)
    hold("mutual TLS: without one none does", send("nameless", is_mutual=True), 400, None)
    hold("mutual TLS: with another authority's neither", send("stolen", is_mutual=True, client="forged"), 400, None)
    hold("a sender that names another as the sender passes",
         send("liar", headers={"X-Forwarded-For": STRANGER, "Forwarded": f"for={STRANGER}"}), 200)
    if LIMITS_RATE[name]:
        statuses = _many(gateway, 400)
        hold("of many requests at once some pass", 401 if 401 in statuses else None, 401)
        hold("of many requests at once not all pass", 429 if 429 in statuses else None, 429)
        hold("another address does not notice", send("neighbour"), 200)
    stored = {identifier for identifier, in session.rows("SELECT webhook_id FROM postrider.inbox WHERE starts_with(webhook_id, %s)", name)}
    wanted = {f"{name}-{what}" for what in ("good", "large", "mutual", "liar", *(["neighbour"] if LIMITS_RATE[name] else []))}
    tally.check(f"{name}: these are stored and nothing else", None if stored == wanted else f"{stored}")
    senders = session.rows("SELECT DISTINCT remote_address FROM postrider.inbox WHERE starts_with(webhook_id, %s)", name)
    tally.check(f"{name}: the sender is who has sent", None if senders == [(SENDER,)] else str(senders))


def _many(gateway: Gateway, count: int) -> set[int]:
    """The answers to unsigned requests from one address on one connection, as fast as it goes."""
    statuses = set()
    with contextlib.closing(gateway.connection(address=NOISY)) as connection:
        for _ in range(count):
            connection.request("POST", "/in/provider", BODY)
            with connection.getresponse() as answer:
                answer.read()
                statuses.add(answer.status)
    return statuses
