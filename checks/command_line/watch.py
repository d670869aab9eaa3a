"""`postrider status --watch` on a terminal: its keys, its size, and the terminal afterwards."""

import subprocess

from checks.command_line.terminal import terminal
from checks.harness.product import Postrider
from checks.harness.tally import Tally

_HOME = "\x1b[H\x1b[J"


def watch(product: Postrider, tally: Tally) -> None:
    for number in range(30):
        product.run("endpoint", "add", f"watched-{number:02}", "http://127.0.0.1:9999/hook")
    words = [product.executable, "status", "--watch", "--interval", "1h"]
    with terminal(words, product.environment | {"TERM": "xterm"}, rows=20) as shown:
        tally.check("--watch draws at once", None if shown.shows("worst first", "more: postrider endpoint list") else shown.screen)
        drawn = shown.screen.rpartition(_HOME)[2]
        tally.check("--watch fits the terminal", None if drawn.count("\n") <= 19 else f"{drawn.count(chr(10))} lines")
        tally.check("--watch takes keys as they are struck", "they are echoed" if shown.echoes() else None)
        for order in ("longest backlog first", "by name", "worst first"):
            shown.type("s")
            tally.check(f"s sorts: {order}", None if shown.shows(order, "more: postrider") else shown.screen)
        shown.resize(45, 200)
        shown.type("s")
        fits = shown.shows("longest backlog first", "watched-20")
        tally.check("--watch follows the terminal's size", None if fits else shown.screen)
        shown.type("xq")
        try:
            status: object = shown.process.wait(10)
        except subprocess.TimeoutExpired:
            status = "it goes on"
        tally.check("q quits", None if status == 0 else f"{status}")
        tally.check("the terminal is as it was", None if shown.echoes() else "it does not echo")
