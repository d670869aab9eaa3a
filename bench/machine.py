"""Where a run took place: without it a figure means nothing."""

import os
import pathlib
import platform
import re
import subprocess

from checks.harness.postgres import Postgres


def machine() -> dict[str, str]:
    cpu = re.search(r"^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = re.search(r"^MemTotal:\s+(\d+) kB", pathlib.Path("/proc/meminfo").read_text(), re.MULTILINE)
    system = re.search(r'^PRETTY_NAME="(.*)"$', pathlib.Path("/etc/os-release").read_text(), re.MULTILINE)
    return {
        "cores": str(os.cpu_count()),
        "cpu": cpu[1] if cpu else platform.machine(),
        "memory": f"{int(memory[1]) / 2**20:.0f} GiB" if memory else "",
        "system": f"{system[1] if system else ''}, Linux {platform.release().split('-')[0]}",
    }


def postgres_version(server: Postgres) -> str:
    with server.session() as session:
        return "PostgreSQL " + str(session.value("SHOW server_version")).split(" ")[0]


def executable_version(executable: pathlib.Path) -> str:
    return subprocess.run([executable, "--version"], capture_output=True, text=True).stdout.strip()
