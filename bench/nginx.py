"""Endpoints that cost next to nothing: one nginx worker that answers 200 at as many loopback addresses as are wanted."""

import contextlib
import dataclasses
import http.client
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator

from bench.addresses import loopback_hosts
from checks.harness.processes import Failure, free_port, program, wait_until

CONFIGURATION = """
{user}daemon off; worker_processes 1; pid {root}/pid; error_log stderr error; worker_rlimit_nofile 20000;
events {{ worker_connections 16384; }}
http {{
  access_log off; keepalive_requests 1000000; client_max_body_size 2m;
  client_body_temp_path {root}/body; proxy_temp_path {root}/proxy; fastcgi_temp_path {root}/fastcgi;
  uwsgi_temp_path {root}/uwsgi; scgi_temp_path {root}/scgi;
  server {{
    {listen}
    location / {{ return 200; }}
    location = /count {{ stub_status; }}
  }}
  {encrypted}
}}
"""
ENCRYPTED = """server {{
    listen 127.0.0.1:{port} ssl{http2} backlog=4096; ssl_certificate {certificate}; ssl_certificate_key {key};
    ssl_protocols TLSv1.2 TLSv1.3; location / {{ return 200; }}
  }}
"""
POLL_S = 0.005


@dataclasses.dataclass(frozen=True)
class Certificate:
    """Of the server, and the file of the authority that signed it."""

    certificate: pathlib.Path
    key: pathlib.Path
    authority: pathlib.Path


class Nginx:
    def __init__(self, hosts: list[str], ports: list[int], process: subprocess.Popen[bytes]) -> None:
        self.hosts, self.port, self.pid = hosts, ports[0], process.pid
        self.urls = [f"http://{host}:{self.port}/hook" for host in hosts]
        self.url = self.urls[0]
        # HTTP/1.1 and HTTP/2 over TLS, when there is a certificate.
        self.tls_urls = [f"https://127.0.0.1:{port}/hook" for port in ports[1:]]
        self._own = 0
        self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)

    def requests(self) -> int:
        """How many requests came that were not ours."""
        try:
            self._connection.request("GET", "/count")
            counted = int(self._connection.getresponse().read().splitlines()[2].split()[2])
        except (OSError, http.client.HTTPException):
            self._connection.close()
            return -1
        self._own += 1
        return counted - self._own

    def when(self, requests: int, timeout_s: float) -> float:
        """Waits for so many requests, and says when that was (CLOCK_MONOTONIC, 5 ms later at most)."""
        wait_until(f"{requests:,} requests arrive", lambda: self.requests() >= requests, timeout_s, POLL_S)
        return time.monotonic()


@contextlib.contextmanager
def nginx(hosts: int = 1, certificate: Certificate | None = None) -> Iterator[Nginx]:
    found = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if not found:
        raise Failure("nginx is not installed here; on Debian: apt-get install nginx-light")
    root = pathlib.Path(tempfile.mkdtemp(prefix="postrider-bench-nginx-"))
    addresses = ["127.0.0.1", *loopback_hosts(hosts - 1)]
    ports = [free_port()]
    encrypted = ""
    for http2 in ("", " http2") if certificate else ():
        ports.append(free_port())
        assert certificate
        encrypted += ENCRYPTED.format(port=ports[-1], http2=http2, certificate=certificate.certificate, key=certificate.key)
    try:
        user = "user root; " if os.geteuid() == 0 else ""
        listen = " ".join(f"listen {address}:{ports[0]} backlog=4096;" for address in addresses)
        (root / "nginx.conf").write_text(CONFIGURATION.format(root=root, user=user, listen=listen, encrypted=encrypted))
        with (
            open(root / "error.log", "w") as log,
            program([found, "-e", "stderr", "-c", root / "nginx.conf", "-p", root], stdout=log, stderr=log) as process,
        ):
            server = Nginx(addresses, ports, process)
            wait_until("nginx starts", lambda: server.requests() == 0, 10)
            yield server
    finally:
        shutil.rmtree(root, ignore_errors=True)
