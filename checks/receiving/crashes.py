"""kill -9 of `serve` and of PostgreSQL under load: every request that was answered with 200 is in the inbox, once."""

import contextlib
import http.client
import os
import random
import signal
import subprocess
import threading
import time

from checks.harness.postgres import Postgres, account, binaries, postgres
from checks.harness.processes import free_port, wait_until
from checks.harness.tally import Tally
from checks.receiving.client import Client
from checks.receiving.process import as_receiver, serve

THREADS = 8
ROUNDS = 4
SECONDS_EACH = 1.5


class Load:
    """Senders that try again until they are answered with 200, as senders do."""

    def __init__(self, host: str, port: int) -> None:
        self.answered: set[str] = set()
        self._stop, self._lock = threading.Event(), threading.Lock()
        self._threads = [threading.Thread(target=self._send, args=(host, port, number), daemon=True) for number in range(THREADS)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _send(self, host: str, port: int, thread: int) -> None:
        client, number = Client(host, port), 0
        while not self._stop.is_set():
            name = f"{thread}-{number}"
            with contextlib.suppress(OSError, http.client.HTTPException):
                status, _ = client.post("load", {"Authorization": "Bearer a-token", "X-Id": name}, b"{}")
                if status == 200:
                    with self._lock:
                        self.answered.add(name)
                    number += 1
                    continue
            time.sleep(0.05)
        client.close()


def check(tally: Tally) -> None:
    with postgres() as server:
        postrider = as_receiver(server)
        with server.session() as session:
            session.rows("SELECT postrider.add_source('load', 'bearer', ARRAY['a-token'], id_from => 'header:X-Id')")
        address = f"127.0.0.1:{free_port()}"
        host, port = address.split(":")
        load = Load(host, int(port))
        again: list[subprocess.Popen[bytes]] = []
        try:
            for number in range(ROUNDS):
                with serve(postrider, address) as inbox:
                    time.sleep(SECONDS_EACH * random.uniform(0.5, 1))
                    if number % 2:
                        again.append(_crash(server, again[-1].pid if again else server.pid))
                        time.sleep(SECONDS_EACH)
                    os.kill(inbox.pid, signal.SIGKILL)
            with serve(postrider, address):
                time.sleep(SECONDS_EACH)
                load.stop()
                with server.session() as session:
                    rows = session.rows("SELECT webhook_id, count(*) FROM postrider.inbox GROUP BY 1")
        finally:
            load.stop()
            for process in again:
                process.send_signal(signal.SIGINT)
                process.wait(30)
    stored = {name for name, _ in rows}
    missing, twice = load.answered - stored, [name for name, count in rows if count > 1]
    # Of each thread, one may be stored whose answer has not come.
    unasked = len(stored - load.answered)
    tally.check(f"{len(load.answered)} requests answered with 200 through {ROUNDS} crashes of serve and {ROUNDS // 2} of PostgreSQL are stored",
                f"{len(missing)} are not: {sorted(missing)[:5]}" if missing else None if len(load.answered) > 100 else "there were too few")
    tally.check("each of them once", f"{twice[:5]} are not" if twice else f"{unasked} more" if unasked > THREADS else None)


def _crash(server: Postgres, pid: int) -> subprocess.Popen[bytes]:
    """Kills all of PostgreSQL at once, and starts it again."""
    with open(f"/proc/{pid}/task/{pid}/children") as children:
        for process_id in (pid, *map(int, children.read().split())):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process_id, signal.SIGKILL)
    # Until its end is collected, its number is taken, and PostgreSQL takes it for another server on these files.
    os.waitpid(pid, 0)
    with open(server.root / "server.log", "a") as log:
        process = subprocess.Popen([f"{binaries()}/postgres", "-D", server.root / "data"], stdin=subprocess.DEVNULL, stdout=log,
                                   stderr=log, cwd=server.root, start_new_session=True, **account())

    def answers() -> bool:
        try:
            with server.session():
                return True
        except Exception:
            return False

    wait_until("PostgreSQL is back", answers, 60)
    return process
