"""The executable: its migrations, and a worker."""

import contextlib
import http.client
import os
import pathlib
import subprocess
import tempfile

from bench.processes import Failure, cpu_seconds, free_port, peak_memory_mib, program, wait_until


def environment(url):
    kept = {key: os.environ[key] for key in ("PATH", "HOME", "LANG", "TMPDIR", "LD_LIBRARY_PATH") if key in os.environ}
    return kept | {
        "POSTRIDER_DATABASE_URL": url, "POSTRIDER_ALLOW_HTTP": "true", "POSTRIDER_ALLOWED_NETWORKS": "127.0.0.0/8",
        "POSTRIDER_HEALTH_LISTEN": f"127.0.0.1:{free_port()}",
    }


def migrate(executable, url):
    done = subprocess.run([executable, "migrate"], env=environment(url), capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        raise Failure(f"`postrider migrate` exits {done.returncode}: {done.stderr.strip()[-500:]}")


class Worker:
    def __init__(self, process, address, log):
        self.process, self.pid, self.address, self.log = process, process.pid, address, log

    def is_ready(self):
        if self.process.poll() is not None:
            raise Failure(f"the worker ended: {self.log.read_text()[-500:]}")
        connection = http.client.HTTPConnection(self.address, timeout=5)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def cpu_seconds(self):
        return cpu_seconds(self.pid)

    def peak_memory_mib(self):
        return peak_memory_mib(self.pid)


@contextlib.contextmanager
def worker(executable, url, is_ready=True):
    """A worker; `is_ready` waits until it says so."""
    settings = environment(url)
    with tempfile.TemporaryDirectory(prefix="postrider-bench-worker-") as folder:
        path = pathlib.Path(folder) / "log"
        with open(path, "w") as log, program([executable, "worker"], env=settings, cwd=folder, stdout=log, stderr=log) as process:
            started = Worker(process, settings["POSTRIDER_HEALTH_LISTEN"], path)
            if is_ready:
                wait_until("the worker is ready", started.is_ready, 30)
            yield started
