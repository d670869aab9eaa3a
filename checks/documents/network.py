"""A network of our own: the ports that the documents name are free in it, and nothing in it reaches another machine."""

import contextlib
import ctypes
import fcntl
import os
import socket
import struct
from collections.abc import Iterator

_CLONE_NEWNET = 0x40000000
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 1
_LIBC = ctypes.CDLL(None, use_errno=True)


@contextlib.contextmanager
def own_network() -> Iterator[bool]:
    """Everything that is started in this context is in the new network. Where the machine forbids it (it takes root), the
    network stays as it is, and the context gives false."""
    outside = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        if _LIBC.unshare(_CLONE_NEWNET) != 0:
            yield False
            return
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
                fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))
            yield True
        finally:
            if _LIBC.setns(outside, _CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "the way back into the machine's network is closed")
    finally:
        os.close(outside)
