"""An endpoint that costs next to nothing: one nginx worker that answers 200."""

import contextlib
import http.client
import os
import pathlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator

from checks.harness.processes import Failure, free_port, program, wait_until

CONFIGURATION = """
{user}daemon off; worker_processes 1; pid {root}/pid; error_log stderr error;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 1000000; client_max_body_size 2m;
  client_body_temp_path {root}/body; proxy_temp_path {root}/proxy; fastcgi_temp_path {root}/fastcgi;
  uwsgi_temp_path {root}/uwsgi; scgi_temp_path {root}/scgi;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{ return 200; }}
    location = /count {{ stub_status; }}
  }}
}}
"""


class Nginx:
    def __init__(self, port: int, process: subprocess.Popen[bytes]) -> None:
        self.url, self.port, self.pid = f"http://127.0.0.1:{port}/hook", port, process.pid
        self._own = 0

    def requests(self) -> int:
        """How many requests came that were not ours."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/count")
            counted = int(connection.getresponse().read().splitlines()[2].split()[2])
        except OSError:
            return -1
        finally:
            connection.close()
        self._own += 1
        return counted - self._own


@contextlib.contextmanager
def nginx() -> Iterator[Nginx]:
    found = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if not found:
        raise Failure("nginx is not installed here; on Debian: apt-get install nginx-light")
    root = pathlib.Path(tempfile.mkdtemp(prefix="postrider-bench-nginx-"))
    port = free_port()
    try:
        user = "user root; " if os.geteuid() == 0 else ""
        (root / "nginx.conf").write_text(CONFIGURATION.format(root=root, port=port, user=user))
        with open(root / "error.log", "w") as log, program(
                [found, "-e", "stderr", "-c", root / "nginx.conf", "-p", root], stdout=log, stderr=log) as process:
            server = Nginx(port, process)
            wait_until("nginx starts", lambda: server.requests() == 0, 10)
            yield server
    finally:
        shutil.rmtree(root, ignore_errors=True)
