"""A network of our own in which every address is this machine: all that is dialled answers here, and nothing leaves."""

import contextlib
import pathlib
import shutil
import subprocess
from collections.abc import Iterator, Sequence

from checks.documents.network import own_network
from checks.harness.processes import Failure

_ROUTES = (("route", "add", "local", "0.0.0.0/0", "dev", "lo"), ("-6", "route", "add", "local", "::/0", "dev", "lo"))


@contextlib.contextmanager
def sealed_network() -> Iterator[bool]:
    """Gives false where the machine forbids a network of our own (it takes root). Then no one may be dialled."""
    with own_network() as is_own:
        if is_own:
            ip = shutil.which("ip") or "/usr/sbin/ip"
            for route in _ROUTES:
                try:
                    subprocess.run([ip, *route], check=True, capture_output=True)
                except (OSError, subprocess.CalledProcessError) as error:
                    raise Failure("no route can be added; on Debian: apt-get install iproute2") from error
        yield is_own


def connections_begun() -> int:
    """How often any process of this network has sent a SYN, answered or not."""
    return _counter("Tcp", "ActiveOpens")


def datagrams_sent() -> int:
    """How many UDP datagrams were sent over IPv4 and IPv6."""
    six = pathlib.Path("/proc/thread-self/net/snmp6").read_text().split()
    return _counter("Udp", "OutDatagrams") + int(six[six.index("Udp6OutDatagrams") + 1])


def seeing(files: dict[str, pathlib.Path]) -> Sequence[str]:
    """A command within which a program sees each file at another place, such as `/etc/hosts`."""
    mounts = "".join(f"mount --bind '{file}' '{place}' && " for place, file in files.items())
    return ["unshare", "--mount", "sh", "-c", mounts + 'exec "$@"', "sh"]


def _counter(protocol: str, name: str) -> int:
    # Not /proc/net: that is the network of the process's first thread.
    lines = pathlib.Path("/proc/thread-self/net/snmp").read_text().splitlines()
    names, values = (line.split() for line in lines if line.startswith(f"{protocol}:"))
    return int(values[names.index(name)])
