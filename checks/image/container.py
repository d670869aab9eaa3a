"""A worker in the image: it delivers an event without rights and on a root file system that it cannot write to, and it drains
as process 1."""

import contextlib
import os
import pathlib
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from checks.harness.postgres import Postgres, postgres
from checks.harness.processes import Failure, ask, free_port, wait_until
from checks.harness.tally import Tally

USER = "65532"
# How long the slow endpoint takes; SIGTERM comes while it does.
SLOW_S = 3


class Slow(BaseHTTPRequestHandler):
    began = threading.Event()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.began.set()
        time.sleep(SLOW_S)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def check(root: pathlib.Path, tally: Tally) -> None:
    port, health = free_port(), free_port()
    with _slow_endpoint() as url, postgres(listen_addresses="127.0.0.1", port=str(port)) as server:
        environment = {
            "POSTRIDER_DATABASE_URL": f"host=127.0.0.1 port={port} user=postgres dbname=postgres",
            "POSTRIDER_HEALTH_LISTEN": f"127.0.0.1:{health}", "POSTRIDER_ALLOW_HTTP": "true",
            "POSTRIDER_ALLOWED_NETWORKS": "127.0.0.0/8",
        }
        for command in (["migrate"], ["endpoint", "add", "slow", url]):
            subprocess.run(_contained(root, *command), env=environment, check=True, stdout=subprocess.DEVNULL)
        with tempfile.TemporaryFile() as log:
            runner = subprocess.Popen(_contained(root, "worker"), env=environment, stdout=log, stderr=log)
            try:
                _prove(runner, server, health, tally)
            except Exception as error:
                log.seek(0)
                raise Failure(f"{error}; the worker said:\n{log.read().decode()}") from error
            finally:
                runner.kill()
                runner.wait()


def _prove(runner: subprocess.Popen[bytes], server: Postgres, health: int, tally: Tally) -> None:
    def holds(what: str, is_so: bool) -> None:
        tally.check(what, None if is_so else "it is not so")

    wait_until("the worker is ready", lambda: ask(f"http://127.0.0.1:{health}/readyz") is not None or runner.poll() is not None, 30)
    worker = _child(runner.pid)
    facts = _status(worker)
    holds("the worker is process 1", facts["NSpid"].split()[-1] == "1")
    holds("it runs as user and group 65532", facts["Uid"].split() == [USER] * 4 and facts["Gid"].split() == [USER] * 4)
    holds("it has no capabilities", int(facts["CapEff"], 16) == 0)
    with open(f"/proc/{worker}/mountinfo") as mounts:
        roots = [line.split() for line in mounts if line.split()[4] == "/"]
    holds("its root file system is read-only", bool(roots) and "ro" in roots[-1][5].split(","))
    with server.session() as session:
        session.rows("INSERT INTO postrider.outbox (event_type, payload) VALUES ('order.paid', '{\"order_id\": 42}')")
        holds("it sends the event", Slow.began.wait(10))
        os.kill(worker, signal.SIGTERM)
        holds("it drains on SIGTERM and exits with 0", runner.wait(SLOW_S + 20) == 0)
        recorded = session.value("SELECT status || ' ' || attempts FROM postrider.event_deliveries")
        holds("the delivery that was in flight is recorded", recorded == "delivered 1")


@contextlib.contextmanager
def _slow_endpoint() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Slow) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()


def _contained(root: pathlib.Path, *command: str) -> list[str]:
    """As a container runtime would start it: process 1 of its own, in the image's root, as user 65532, without capabilities."""
    return ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc=/proc", f"--root={root}", "--wd=/", f"--setgid={USER}",
            f"--setuid={USER}", "/usr/bin/postrider", *command]


def _child(parent: int) -> int:
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if _status(pid)["PPid"] == str(parent):
                return int(pid)
    raise Failure("the worker is not there any more")


def _status(pid: int | str) -> dict[str, str]:
    with open(f"/proc/{pid}/status") as lines:
        return dict(line.rstrip("\n").split(":\t", 1) for line in lines if ":\t" in line)
