"""`postrider serve` before the signing side of libraries that senders use, under senders that mean ill, and under crashes."""

from checks.harness.options import Options
from checks.harness.postgres import postgres
from checks.harness.tally import Tally
from checks.receiving import crashes, floods, senders
from checks.receiving.process import as_receiver, serve


def check(tally: Tally, _: Options) -> None:
    with postgres() as server:
        postrider = as_receiver(server)
        with serve(postrider) as inbox:
            senders.check(inbox.host, inbox.port, postrider, server, tally)
            floods.check(inbox.host, inbox.port, inbox.pid, server, tally)
    crashes.check(tally)
