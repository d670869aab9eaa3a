"""What the signing side of other people's libraries signs is stored; the same with one byte more, another secret or an old time is not."""

import base64
import datetime
import hashlib
import hmac
import time
from collections.abc import Callable

import jwt
import standardwebhooks
import stripe
import svix.webhooks
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from slack_sdk.signature import SignatureVerifier

from checks.harness.postgres import Postgres, Session
from checks.harness.processes import Failure
from checks.harness.product import Postrider
from checks.harness.tally import Tally
from checks.receiving.client import Client

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
TEXT = "It's a Secret to Everybody"
KEY = Ed25519PrivateKey.from_private_bytes(bytes([7]) * 32)
BODY = b'{"id":"evt_7","type":"order.paid","event_id":"Ev7","event":{"type":"message"},"test": 2432232314}'

# Signs a body, at a time, and returns the headers.
Signer = Callable[[bytes, int], dict[str, str]]


def _moment(at: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(at, datetime.timezone.utc)


def _standard(body: bytes, at: int) -> dict[str, str]:
    signature = standardwebhooks.Webhook(SECRET).sign("msg_1", _moment(at), body.decode())
    return {"webhook-id": "msg_1", "webhook-timestamp": str(at), "webhook-signature": signature}


def _svix(body: bytes, at: int) -> dict[str, str]:
    signature = svix.webhooks.Webhook(SECRET).sign("msg_2", _moment(at), body.decode())
    return {"svix-id": "msg_2", "svix-timestamp": str(at), "svix-signature": signature}


def _ed25519(body: bytes, at: int) -> dict[str, str]:
    signature = base64.b64encode(KEY.sign(f"msg_3.{at}.".encode() + body)).decode()
    return {"webhook-id": "msg_3", "webhook-timestamp": str(at), "webhook-signature": f"v1a,{signature}"}


def _stripe(body: bytes, at: int) -> dict[str, str]:
    signature = stripe.WebhookSignature._compute_signature(f"{at}.{body.decode()}", SECRET)
    return {"Stripe-Signature": f"t={at},v1={signature}"}


def _slack(body: bytes, at: int) -> dict[str, str]:
    signature = SignatureVerifier(TEXT).generate_signature(timestamp=str(at), body=body)
    return {"X-Slack-Request-Timestamp": str(at), "X-Slack-Signature": str(signature)}


def _jwt(body: bytes, at: int) -> dict[str, str]:
    claims = {"iat": at, "exp": at + 300, "jti": "msg_6", "sha256": hashlib.sha256(body).hexdigest()}
    return {"Authorization": "Bearer " + jwt.encode(claims, TEXT, "HS256")}


# Source: its scheme, its secret, who signs, and the id that is to be stored.
SENDERS: dict[str, tuple[str, str, Signer, str]] = {
    "standardwebhooks": ("standard", SECRET, _standard, "msg_1"),
    "svix": ("standard", SECRET, _svix, "msg_2"),
    "ed25519": ("standard", "whpk_" + base64.b64encode(KEY.public_key().public_bytes(
        serialization.Encoding.Raw, serialization.PublicFormat.Raw)).decode(), _ed25519, "msg_3"),
    "stripe": ("stripe", SECRET, _stripe, "evt_7"),
    "slack_sdk": ("slack", TEXT, _slack, "Ev7"),
    "PyJWT": ("jwt", TEXT, _jwt, "msg_6"),
}


def check(host: str, port: int, postrider: Postrider, server: Postgres, tally: Tally) -> None:
    client = Client(host, port)
    with server.session() as session:
        for name, (scheme, secret, _, _) in SENDERS.items():
            session.rows("SELECT postrider.add_source(%s, %s, ARRAY[%s])", name, scheme, secret)
        session.rows("SELECT postrider.add_source('github', 'github', ARRAY[%s])", TEXT)
        # Known within two seconds, as the page says.
        time.sleep(2)
        now = int(time.time())
        for name, (_, _, sign, webhook_id) in SENDERS.items():
            answer = client.post(name, sign(BODY, now), BODY)
            stored = session.rows("SELECT webhook_id, body FROM postrider.inbox WHERE source = %s", name)
            tally.check(f"{name}: what it signs is stored", None if answer[0] == 200 and stored == [(webhook_id, BODY)]
                        else f"{answer}, {stored}")
            for what, headers, body in (
                    ("another body", sign(BODY, now), BODY + b" "), ("a time that is over", sign(BODY, now - 400), BODY),
                    ("a time to come", sign(BODY, now + 400), BODY), ("no proof", {}, BODY)):
                status, _ = client.post(name, headers, body)
                tally.check(f"{name}: {what} is refused", None if status == 401 else f"it was answered with {status}")
        _github(client, tally)
        count = session.value("SELECT count(*) FROM postrider.inbox")
        tally.check("nothing else was stored", None if count == len(SENDERS) + 1 else f"there are {count}")
        _own(f"http://{host}:{port}/in", postrider, session, tally)
    client.close()


def _own(url: str, postrider: Postrider, session: Session, tally: Tally) -> None:
    """`postrider source test` is a sender too."""
    for name in [*SENDERS, "github"]:
        before = session.value("SELECT count(*) FROM postrider.inbox WHERE source = %s", name)
        try:
            postrider.run("source", "test", name, "--url", f"{url}/{name}")
            more = session.value("SELECT count(*) FROM postrider.inbox WHERE source = %s", name) - before
            tally.check(f"source test {name}: stored", None if more == 1 else f"{more} rows are")
        except Failure as failure:
            tally.check(f"source test {name}: its public key signs nothing", None if name == "ed25519" else str(failure))


def _github(client: Client, tally: Tally) -> None:
    """The vector that GitHub has published."""
    published = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert hmac.compare_digest(published, hmac.digest(TEXT.encode(), b"Hello, World!", "sha256").hex())
    headers = {"X-Hub-Signature-256": f"sha256={published}", "X-GitHub-Delivery": "d1"}
    for body, wanted in ((b"Hello, World!", 200), (b"Hello, World", 401)):
        status, _ = client.post("github", headers, body)
        tally.check(f"GitHub's vector, {body!r}: {wanted}", None if status == wanted else f"{status}")
