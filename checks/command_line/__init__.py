"""What the documents promise of the command line, held against the real one: JSON against its schemas, completions, examples."""

from checks.command_line import completions, schemas, streams, watch
from checks.harness.options import Options
from checks.harness.postgres import postgres
from checks.harness.product import Postrider, built_executable
from checks.harness.tally import Tally


def check(tally: Tally, _: Options) -> None:
    executable = built_executable()
    schemas.examples(tally)
    completions.completions(executable, tally)
    with postgres() as server:
        postrider = Postrider(executable, server)
        schemas.commands(postrider, server, tally)
        streams.streams(postrider, server, tally)
        completions.names(postrider, tally)
        watch.watch(postrider, tally)
