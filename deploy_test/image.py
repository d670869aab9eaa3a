"""What scripts/image-test proves of the image, whose root file system it has mounted read-only at the first argument."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from bench.postgres import postgres
from bench.processes import Failure, free_port, wait_until

NOBODY = "65532"
# How long the slow endpoint takes; SIGTERM comes while it does.
SLOW_S = 3
began = threading.Event()


class Slow(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        began.set()
        time.sleep(SLOW_S)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


def contained(root, *command):
    """As a container runtime would start it: process 1 of its own, in the image's root, as nobody, without capabilities."""
    return ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc=/proc", f"--root={root}", "--wd=/", f"--setgid={NOBODY}", f"--setuid={NOBODY}",
            "/usr/bin/postrider", *command]


def child_of(parent):
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if status(pid)["PPid"] == str(parent):
                return int(pid)


def status(pid):
    with open(f"/proc/{pid}/status") as lines:
        return dict(line.rstrip("\n").split(":\t", 1) for line in lines if ":\t" in line)


def expect(what, holds):
    print(f"image-test: {what}: {'yes' if holds else 'NO'}", flush=True)
    if not holds:
        raise Failure(what)


def ready(port):
    with contextlib.suppress(OSError):
        return urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2).status == 200


def main(root):
    port, health = free_port(), free_port()
    slow = ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    threading.Thread(target=slow.serve_forever, daemon=True).start()
    with postgres(listen_addresses="127.0.0.1", port=str(port)) as server:
        environment = {
            "POSTRIDER_DATABASE_URL": f"host=127.0.0.1 port={port} user=postgres dbname=postgres",
            "POSTRIDER_HEALTH_LISTEN": f"127.0.0.1:{health}", "POSTRIDER_ALLOW_HTTP": "true",
            "POSTRIDER_ALLOWED_NETWORKS": "127.0.0.0/8",
        }
        for command in (["migrate"], ["endpoint", "add", "slow", f"http://127.0.0.1:{slow.server_port}/"]):
            subprocess.run(contained(root, *command), env=environment, check=True, stdout=subprocess.DEVNULL)
        with tempfile.TemporaryFile() as log:
            runner = subprocess.Popen(contained(root, "worker"), env=environment, stdout=log, stderr=log)
            try:
                prove(runner, server, health)
            except BaseException:
                log.seek(0)
                sys.stderr.write(log.read().decode())
                raise
            finally:
                runner.kill()


def prove(runner, server, health):
    wait_until("the worker is ready", lambda: ready(health) or runner.poll() is not None, 30)
    worker = child_of(runner.pid)
    facts = status(worker)
    expect("the worker is process 1", facts["NSpid"].split()[-1] == "1")
    expect("it runs as user and group 65532", facts["Uid"].split() == [NOBODY] * 4 and facts["Gid"].split() == [NOBODY] * 4)
    expect("it has no capabilities", int(facts["CapEff"], 16) == 0)
    with open(f"/proc/{worker}/mountinfo") as mounts:
        roots = [line.split() for line in mounts if line.split()[4] == "/"]
    expect("its root file system is read-only", bool(roots) and "ro" in roots[-1][5].split(","))
    with server.session() as session:
        session.rows("INSERT INTO postrider.outbox (event_type, payload) VALUES ('order.paid', '{\"order_id\": 42}')")
        expect("it sends the event", began.wait(10))
        os.kill(worker, signal.SIGTERM)
        expect("it drains on SIGTERM and exits with 0", runner.wait(SLOW_S + 20) == 0)
        delivered = session.value("SELECT status || ' ' || attempts FROM postrider.event_deliveries")
        expect("the delivery that was under way is recorded", delivered == "delivered 1")


main(sys.argv[1])
