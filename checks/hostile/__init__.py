"""What hostile configurations, endpoints and names may do to a worker: nothing but fail by themselves."""

from checks.harness.options import Options
from checks.harness.tally import Tally
from checks.hostile import absence, addresses, bounds, configuration, database, descriptors, secrets


def check(tally: Tally, _: Options) -> None:
    for part in (configuration, addresses, secrets, bounds, descriptors, database, absence):
        print(f"--- {part.__name__.rpartition('.')[2]}", flush=True)
        part.check(tally)
