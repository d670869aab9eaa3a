"""What the libraries of receivers say to our requests, and to the same requests with one byte more."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import jwt
import standardwebhooks
import stripe
import svix.webhooks
from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from slack_sdk.signature import SignatureVerifier

from checks.harness.tally import Tally
from checks.signatures.receiver import Request

NOTE = "<!channel> *b* & _c_ @everyone [x](y)"
PAYLOAD = json.dumps({"order_id": 42, "total": 19.90, "note": NOTE})


def public_keys(shown: str) -> list[Ed25519PublicKey]:
    return [Ed25519PublicKey.from_public_bytes(base64.b64decode(key.removeprefix("whpk_")))
            for key in json.loads(shown)["public_keys"]]


def check(
    requests: dict[str, Request], secrets: tuple[str, str], text_secret: str, keys: list[Ed25519PublicKey], tally: Tally
) -> None:
    standard, github = requests["standard"], requests["github"]
    for secret, age in zip(secrets, ("old", "new")):
        def with_standard_webhooks(body: bytes, secret: str = secret) -> None:
            standardwebhooks.Webhook(secret).verify(body, dict(standard.headers))

        def with_svix(body: bytes, secret: str = secret) -> None:
            svix.webhooks.Webhook(secret).verify(
                body, {name: value for name, value in standard.headers.items() if name.lower().startswith("svix-")})

        def with_stripe(body: bytes, secret: str = secret) -> None:
            assert stripe.WebhookSignature.verify_header(body.decode(), standard.headers["stripe-signature"], secret, 300)

        for name, verify in (("standardwebhooks", with_standard_webhooks), ("svix", with_svix), ("stripe", with_stripe)):
            _both(f"{name}, the {age} secret", verify, standard.body, tally)

    def with_shopify(body: bytes) -> None:
        wanted = base64.b64encode(hmac.digest(secrets[1].encode(), body, "sha256")).decode()
        assert hmac.compare_digest(wanted, standard.headers["x-shopify-hmac-sha256"])

    def with_github(body: bytes) -> None:
        wanted = "sha256=" + hmac.digest(text_secret.encode(), body, "sha256").hex()
        assert hmac.compare_digest(wanted, github.headers["x-hub-signature-256"])

    def with_slack(body: bytes) -> None:
        assert SignatureVerifier(text_secret).is_valid(
            body, github.headers["x-slack-request-timestamp"], github.headers["x-slack-signature"])

    _both("shopify's rule", with_shopify, standard.body, tally)
    _both("github's rule", with_github, github.body, tally)
    _both("slack_sdk", with_slack, github.body, tally)
    for place, key in enumerate(keys):
        _both(f"cryptography, the Ed25519 key {place + 1}", lambda body, key=key: _ed25519(requests["v1a"], body, key),
              requests["v1a"].body, tally)
    tally.check("a rotation leaves two Ed25519 keys", None if len(keys) == 2 else f"{len(keys)} keys")
    symmetric = base64.b64decode(secrets[0].removeprefix("whsec_"))
    _both("PyJWT, HS256", lambda body: _token(requests["jwt"], body, symmetric, "HS256"), requests["jwt"].body, tally)
    _both("PyJWT, EdDSA", lambda body: _token(requests["v1a"], body, keys[0], "EdDSA"), requests["v1a"].body, tally)
    _cloud_events(requests, tally)
    _chat(requests, tally)


def _both(what: str, verify: Callable[[bytes], None], body: bytes, tally: Tally) -> None:
    """The request verifies, and with another body it does not."""
    try:
        verify(body)
        tally.check(f"{what}: verifies", None)
    except Exception as error:
        tally.check(f"{what}: verifies", repr(error))
    try:
        verify(body + b" ")
        tally.check(f"{what}: refuses another body", "it did not")
    except Exception:
        tally.check(f"{what}: refuses another body", None)


def _ed25519(request: Request, body: bytes, key: Ed25519PublicKey) -> None:
    content = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + body
    signatures = [text.removeprefix("v1a,") for text in request.headers["webhook-signature"].split() if text.startswith("v1a,")]
    problems = []
    for signature in signatures:
        try:
            return key.verify(base64.b64decode(signature), content)
        except Exception as error:
            problems.append(repr(error))
    raise ValueError(f"none of {len(signatures)} fits: {problems}")


def _token(request: Request, body: bytes, key: Any, algorithm: str) -> None:
    claims = jwt.decode(
        request.headers["authorization"].removeprefix("Bearer "), key, algorithms=[algorithm],
        options={"require": ["iss", "iat", "exp", "jti", "sha256"]})
    assert claims["jti"] == request.headers["webhook-id"] and claims["exp"] - claims["iat"] == 300, claims
    assert claims["sha256"] == hashlib.sha256(body).hexdigest(), claims


def _cloud_events(requests: dict[str, Request], tally: Tally) -> None:
    for name, source in (("structured", "/postrider"), ("binary", "/postrider/a%20b%2F%C3%BC")):
        request = requests[name]
        try:
            event = from_http_event(HTTPMessage({key.lower(): value for key, value in request.headers.items()}, request.body))
            data = event.get_data()
            data = json.loads(data) if isinstance(data, (bytes, str)) else data
            found = (event.get_id(), event.get_type(), event.get_source(), data)
            wanted = (request.headers["webhook-id"], "order.paid", source, json.loads(PAYLOAD))
            tally.check(f"cloudevents: reads the {name} form", None if found == wanted else f"{found}, not {wanted}")
        except Exception as error:
            tally.check(f"cloudevents: reads the {name} form", repr(error))


def _chat(requests: dict[str, Request], tally: Tally) -> None:
    """The published rules of the incoming webhooks: shapes, and what would call everybody."""
    slack, discord, teams = (json.loads(requests[name].body) for name in ("slack", "discord", "teams"))
    wanted = "*42* &lt;!channel&gt; *b* &amp; _c_ @everyone [x](y)"
    tally.check("slack: the text is escaped", None if slack == {"text": wanted} else str(slack))
    text = discord["content"]
    problem = None if set(discord) == {"content", "allowed_mentions"} and discord["allowed_mentions"] == {"parse": []} else str(discord)
    tally.check("discord: calls no one", problem)
    tally.check("discord: the text is plain", None if text.replace("\\", "") == NOTE and r"\*b\*" in text else text)
    card = teams["attachments"][0]
    is_card = teams["type"] == "message" and card["contentType"] == "application/vnd.microsoft.card.adaptive"
    block = card["content"]["body"][0]
    tally.check("teams: an adaptive card", None if is_card and card["content"]["type"] == "AdaptiveCard" else str(teams))
    tally.check("teams: the text is plain", None if block["text"].replace("\\", "") == NOTE else str(block))
