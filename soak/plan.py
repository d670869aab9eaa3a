"""Who takes part: endpoints with their manners, and the settings that make leases short."""

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
    slow_s: float = 0


ENDPOINTS = {
    "steady": Manners(),
    "failing": Manners(failing=0.2),
    "slow": Manners(slow_s=0.5),
    "hanging": Manners(hanging=0.03),
    "cutting": Manners(cutting=0.05),
    "late": Manners(late=0.03),
}
