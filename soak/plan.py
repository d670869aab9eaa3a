"""Who takes part: endpoints with their manners, the settings that make leases short, and what a run plays."""

import dataclasses

# A lease lasts the timeout and the slack.
TIMEOUT_S, SLACK_S = 2, 1
LEASE_S = TIMEOUT_S + SLACK_S
# The waits after failures; the last one repeats.
SCHEDULE = "1s,1s,2s,2s,3s,3s,4s,5s,5s,5s,5s,5s,5s,5s,5s,5s,5s,5s,5s,5s,5s,5s,5s,5s,5s,5s,5s,5s,5s"
WAITS_S = [float(wait.removesuffix("s")) for wait in SCHEDULE.split(",")]
MAX_ATTEMPTS = len(WAITS_S) + 1
JITTER = 0.2
SECRET = "whsec_c29hay1zZWNyZXQtb2YtdGhpcnR5LXR3by1ieXRlcyE="
# Must be seen in no log, metric or column that shows what happened.
PAYLOAD_CANARY, HEADER_CANARY = "canary-of-the-payload", "canary-of-a-header"


@dataclasses.dataclass(frozen=True)
class Manners:
    """How an endpoint answers; the shares are of its requests."""

    failing: float = 0
    hanging: float = 0
    cutting: float = 0
    late: float = 0
    redirecting: float = 0
    slow_s: float = 0


ENDPOINTS = {
    "steady": Manners(),
    "failing": Manners(failing=0.2),
    "slow": Manners(slow_s=0.5),
    "hanging": Manners(hanging=0.03),
    "cutting": Manners(cutting=0.05),
    "late": Manners(late=0.03),
    "redirecting": Manners(redirecting=0.1),
}
# Where `redirecting` sends to. No endpoint.
ELSEWHERE = "elsewhere"
# An endpoint whose name leads to an address that workers may not dial. Only in a scene that asks for it.
FORBIDDEN, FORBIDDEN_NAME, FORBIDDEN_ADDRESS = "forbidden", "soak.postrider.example", "127.0.0.66"


@dataclasses.dataclass(frozen=True)
class Scene:
    """What a run plays. `seconds` is how long there are faults; the rest is quiet, so that what must hold then is seen too."""

    seconds: float = 60
    quiet_s: float = 4
    # How long it waits until all is sent, before it asks what is missing.
    patience_s: float = 120
    workers: int = 3
    producers: int = 3
    # Transactions a second of each producer, and the share of them that stay open for a while between their insert and their end.
    rate: float = 15
    slow_commits: float = 0.1
    fail_overs: int = 0
    # Whether Patroni keeps the servers, with HAProxy before them.
    by_patroni: bool = False
    # Whether commits wait for the standby. Then a fail-over loses nothing that was committed.
    is_synchronous: bool = False
    # The faults that it draws from, by name; None for all.
    faults: frozenset[str] | None = None
    # The pauses between faults are so many times as long.
    pause: float = 1
    # The pause between two ends of workers, which the draw halves or doubles.
    end_pause_s: float = 0.4
    # How long a worker is suspended, in leases.
    suspension: tuple[float, float] = (0.3, 2)
    # What is on in the workers of a test build (soak/faulty), and whether it kills them.
    switch: str | None = None
    is_deadly: bool = False
    # Statements for the database after its migration.
    sql: tuple[str, ...] = ()
    # Whether the clock of the last worker can be set, which takes a test build too.
    has_clock: bool = False
    # Whether there is FORBIDDEN too. It takes a test build, which can be told where its hosts file is.
    has_forbidden: bool = False

    @property
    def endpoints(self) -> list[str]:
        return [*ENDPOINTS, *([FORBIDDEN] if self.has_forbidden else [])]
