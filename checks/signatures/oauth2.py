"""OAuth 2 client credentials against a server made of authlib: one token for many requests, none that it did not give."""

import contextlib
import http.server
import logging
import threading
from collections.abc import Iterator

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin, grants
from flask import Flask, Response
from werkzeug.serving import make_server

from checks.harness.postgres import Postgres
from checks.harness.processes import wait_until
from checks.harness.product import Postrider
from checks.harness.tally import Tally

CLIENT, SECRET, SCOPE = "shop one", "s3cr:t/+%", "hooks.write hooks.read"
EVENTS = 50


class Client(ClientMixin):
    def get_client_id(self) -> str:
        return CLIENT

    def get_default_redirect_uri(self) -> str:
        return ""

    def get_allowed_scope(self, scope: str) -> str:
        return scope if set(scope.split()) <= set(SCOPE.split()) else ""

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == SECRET

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == "client_secret_basic"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "client_credentials"


class Tokens:
    """The token server, and what it gave."""

    def __init__(self) -> None:
        self.given: list[dict[str, object]] = []

    def app(self) -> Flask:
        app = Flask("tokens")
        app.config["OAUTH2_TOKEN_EXPIRES_IN"] = {"client_credentials": 3600}
        server = AuthorizationServer(
            app, query_client=lambda id: Client() if id == CLIENT else None,
            save_token=lambda token, _: self.given.append(dict(token)))
        server.register_grant(grants.ClientCredentialsGrant)

        @app.post("/token")
        def token() -> Response:
            return server.create_token_response()

        return app


@contextlib.contextmanager
def serving(server: http.server.HTTPServer) -> Iterator[str]:
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def receiver(tokens: Tokens, seen: list[str]) -> http.server.HTTPServer:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            seen.append(self.headers["authorization"] or "")
            known = {f"Bearer {token['access_token']}" for token in tokens.given}
            self.send_response(204 if seen[-1] in known else 401)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    return http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)


def check(postrider: Postrider, server: Postgres, tally: Tally) -> None:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    tokens, seen = Tokens(), list[str]()
    token_server = make_server("127.0.0.1", 0, tokens.app(), threaded=True)
    with serving(token_server) as url, serving(receiver(tokens, seen)) as hooks, server.session() as session:
        for name, secret in (("oauth2", SECRET), ("oauth2-wrong", "canary")):
            postrider.run("endpoint", "add", name, f"{hooks}/", "--event-type", "token.*", "--retry-schedule", "100ms",
                          "--auth", f"oauth2:{url}/token,{CLIENT},{secret},{SCOPE}")
        with postrider.worker() as worker:
            session.rows("INSERT INTO postrider.outbox (event_type, payload) "
                         f"SELECT 'token.used', '1' FROM generate_series(1, {EVENTS})")
            statuses = ("SELECT count(*) FROM postrider.event_deliveries WHERE event_type = 'token.used' "
                        "AND endpoint LIKE 'oauth2%' AND status IN ('delivered', 'dead')")
            wait_until("all is done", lambda: session.value(statuses) == 2 * EVENTS, 30)
            log = worker.log.read_text()
        delivered = session.value(
            "SELECT count(*) FROM postrider.event_deliveries WHERE endpoint = 'oauth2' AND status = 'delivered'")
        failed = session.rows("SELECT DISTINCT error_code, http_status, error FROM postrider.attempt_log WHERE endpoint = 'oauth2-wrong'")
    tally.check("authlib: all are delivered", None if delivered == EVENTS else f"{delivered} of {EVENTS}")
    tally.check("authlib: one token for all", None if len(tokens.given) == 1 else f"{len(tokens.given)} tokens")
    tally.check("authlib: the scope is asked for", None if tokens.given[0].get("scope") == SCOPE else str(tokens.given[0].get("scope")))
    tally.check("authlib: each request bears it", None if len(set(seen)) == 1 and len(seen) == EVENTS else f"{len(seen)} requests")
    wanted = [("token_failure", None, "the token server answered 401 invalid_client")]
    tally.check("authlib: a refused client is told apart", None if failed == wanted else str(failed))
    tally.check("authlib: no secret in the log", None if "canary" not in log and "s3cr" not in log else "there is one")
