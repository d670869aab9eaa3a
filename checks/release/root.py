"""A Debian of its own, in a folder that goes away: programs run in it with processes and mounts of their own."""

import contextlib
import pathlib
import shutil
import signal
import subprocess
from collections.abc import Iterator

from checks import ROOT
from checks.harness.processes import Failure, program

_ENTER = r"""
mount --rbind /dev "$0/dev" && mount -t proc proc "$0/proc" && mount --bind "$1" "$0/run/postgresql"
shift && exec chroot "$0" "$@"
"""
_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8", "TERM": "dumb",
    "DEBIAN_FRONTEND": "noninteractive",
    # The name that the person of these shells has in the database.
    "PGUSER": "postgres",
}


class Root:
    def __init__(self, path: pathlib.Path, sockets: pathlib.Path) -> None:
        self.path, self._sockets = path, sockets

    def run(self, script: str) -> str:
        """What a script of bash printed; it must exit with 0."""
        done = subprocess.run(
            self._inside("bash", "-ec", script), env=_ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=300)
        if done.returncode != 0:
            raise Failure(f"`{script}` exits with {done.returncode}:\n{done.stdout[-2000:]}")
        return done.stdout

    def holds(self, condition: str) -> bool:
        return subprocess.run(
            self._inside("bash", "-c", condition), env=_ENVIRONMENT, stdin=subprocess.DEVNULL, capture_output=True).returncode == 0

    @contextlib.contextmanager
    def shell(self, log: pathlib.Path) -> Iterator["subprocess.Popen[bytes]"]:
        """A bash that does what it reads. It and all that it started are killed at the end."""
        with contextlib.ExitStack() as stack:
            sink = stack.enter_context(open(log, "wb"))
            yield stack.enter_context(program(
                self._inside("bash", "/root/.shell"), parting=signal.SIGKILL, env=_ENVIRONMENT | {"SHELL_OF": log.stem},
                stdout=sink, stderr=sink))

    def paths(self) -> set[str]:
        """Every path but those that the package manager and the linker keep for themselves."""
        kept = (
            "/proc/", "/dev/", "/run/", "/tmp/", "/root/", "/var/cache/", "/var/lib/apt/", "/var/lib/dpkg/", "/var/log/",
            "/etc/ld.so.cache")
        found = ("/" + str(path.relative_to(self.path)) for path in self.path.rglob("*"))
        return {path for path in found if not path.startswith(kept) and not path.endswith("-")}

    def _inside(self, *command: str) -> list[str]:
        apart = ["unshare", "--mount", "--pid", "--fork", "--kill-child"]
        return [*apart, "bash", "-ec", _ENTER, str(self.path), str(self._sockets), *command]


@contextlib.contextmanager
def debian(suite: str, sockets: pathlib.Path) -> Iterator[Root]:
    """A fresh one; PostgreSQL answers in it where Debian's would, on the socket in `sockets`."""
    image = f"localhost/postrider-debian:{suite}"
    if subprocess.run([ROOT / "checks/image/base", image, suite, "ca-certificates"]).returncode != 0:
        raise Failure(f"there is no Debian {suite}; what was said is above")
    made = _said("buildah", "from", image)
    try:
        path = pathlib.Path(_said("buildah", "mount", made))
        shutil.copyfile("/etc/resolv.conf", path / "etc/resolv.conf")
        # The person says yes.
        (path / "etc/apt/apt.conf.d/90-yes").write_text('APT::Get::Assume-Yes "true";\n')
        (path / "run/postgresql").mkdir(exist_ok=True)
        root = Root(path, sockets)
        # What this person has already: sudo, psql, adduser as every installed Debian, and an init system that is not running.
        root.run("apt-get -qq update && apt-get -qq install --no-install-recommends adduser sudo postgresql-client systemd")
        yield root
    finally:
        subprocess.run(["buildah", "rm", made], check=True, stdout=subprocess.DEVNULL)


def _said(*command: str) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
