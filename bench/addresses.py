"""Loopback addresses: endpoints at different ones count as different hosts, so no connection serves two of them."""

import resource

# More hosts make nothing slower that a few hundred do not, and each is a listening socket.
MAXIMUM_HOSTS = 250


def loopback_hosts(count: int) -> list[str]:
    """At most MAXIMUM_HOSTS."""
    return [f"127.1.0.{number}" for number in range(1, min(count, MAXIMUM_HOSTS) + 1)]


def raise_descriptor_limit() -> None:
    """As far as the system allows. What we start inherits it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
