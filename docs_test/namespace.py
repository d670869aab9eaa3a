"""A network of our own: the ports that the documents name are free in it, and nothing in it reaches another machine."""

import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys

_MARK = "DOCS_TEST_NAMESPACE"
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 1


def enter():
    """Starts this program again in a network namespace, where the machine allows it; otherwise goes on as it is."""
    if os.environ.pop(_MARK, None):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
            fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))
        return
    unshare = shutil.which("unshare")
    if os.geteuid() == 0 and unshare and subprocess.run([unshare, "-n", "true"], capture_output=True).returncode == 0:
        os.environ[_MARK] = "1"
        os.execv(unshare, [unshare, "-n", sys.executable, *sys.argv])
