"""Client certificates and an authority of one's own against nginx, which demands a certificate of its clients."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Collection
from pathlib import Path

from checks.harness.certificates import authority, certificate
from checks.harness.postgres import Postgres
from checks.harness.processes import ask, free_port, program, wait_until
from checks.harness.product import Postrider
from checks.harness.tally import Tally

CONFIGURATION = """
{user}daemon off; worker_processes 1; pid {root}/pid; error_log stderr error;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {root}/body; proxy_temp_path {root}/proxy; fastcgi_temp_path {root}/fastcgi;
  uwsgi_temp_path {root}/uwsgi; scgi_temp_path {root}/scgi;
  server {{
    listen 127.0.0.1:{port} ssl; ssl_certificate {root}/server.pem; ssl_certificate_key {root}/server.key;
    ssl_client_certificate {root}/ca.pem; ssl_verify_client on;
    location / {{ return 200 $ssl_client_s_dn; }}
  }}
  server {{ listen 127.0.0.1:{plain}; location / {{ return 200; }} }}
}}
"""


def check(postrider: Postrider, server: Postgres, folder: Path, stack: contextlib.ExitStack, tally: Tally) -> None:
    folder.chmod(0o755)
    for name in ("ca", "other"):
        authority(folder, name)
    certificate(folder, "server", "subjectAltName=IP:127.0.0.1")
    certificate(folder, "shop", "extendedKeyUsage=clientAuth")
    port, plain = free_port(), free_port()
    user = "user root; " if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(CONFIGURATION.format(root=folder, port=port, plain=plain, user=user))
    nginx = shutil.which("nginx") or "/usr/sbin/nginx"
    stack.enter_context(program([nginx, "-c", folder / "nginx.conf", "-p", folder], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
    wait_until("nginx answers", lambda: ask(f"http://127.0.0.1:{plain}/") is not None, 10)
    ours = ("--client-certificate", str(folder / "shop.pem"), "--client-key", str(folder / "shop.key"))
    endpoints = {
        "mtls": ((*ours, "--ca", str(folder / "ca.pem")), "200 CN=shop"),
        "no-certificate": (("--ca", str(folder / "ca.pem")), "400"),
        "no-ca": (ours, "tls_failure"),
        "other-ca": ((*ours, "--ca", str(folder / "other.pem")), "tls_failure"),
        "other-key": (("--client-certificate", str(folder / "shop.pem"), "--client-key", str(folder / "other.key"),
                       "--ca", str(folder / "ca.pem")), "tls_failure"),
    }
    for name, (options, _) in endpoints.items():
        postrider.run("endpoint", "add", name, f"https://127.0.0.1:{port}/", "--event-type", "tls.*", "--max-attempts", "1", *options)
    with postrider.worker() as worker, server.session() as session:
        session.rows("INSERT INTO postrider.outbox (event_type, payload) VALUES ('tls.used', '1')")
        attempts = "SELECT endpoint, coalesce(http_status::text, error_code), coalesce(response_body, '') FROM postrider.attempt_log"
        found = wait_until("each is tried", lambda: _all(session.rows(f"{attempts} WHERE event_type = 'tls.used'"), endpoints), 20)
        # Taken away without a pause, it is missed at once.
        postrider.run("endpoint", "update", "mtls", "--no-client-certificate")
        session.rows("INSERT INTO postrider.outbox (event_type, payload, endpoint) VALUES ('tls.again', '1', 'mtls')")
        again = wait_until("it is tried again", lambda: session.rows(f"{attempts} WHERE event_type = 'tls.again'"), 20)
        log = worker.log.read_text()
    for name, (_, wanted) in endpoints.items():
        status, body = found[name]
        is_so = status == wanted.split()[0] and (" " not in wanted or body == wanted.split()[1])
        tally.check(f"nginx: {name}", None if is_so else f"{status} {body[:200]}")
    tally.check("nginx: without its certificate again", None if again[0][1] == "400" else str(again))
    tally.check("nginx: no key in the log", None if "PRIVATE KEY" not in log else "there is one")


def _all(rows: list[tuple[str, str, str]], names: Collection[str]) -> dict[str, tuple[str, str]] | None:
    found = {name: (status, body) for name, status, body in rows if name in names}
    return found if len(found) == len(names) else None
