"""The migrations against pgspot: no name or operator in them can mean what another role has planted."""

import pathlib
import re
import subprocess
import sys

from checks import ROOT
from checks.harness.options import Options
from checks.harness.tally import Tally

_PGSPOT = pathlib.Path(sys.executable).parent / "pgspot"
_PIN = "SET LOCAL search_path = pg_catalog, pg_temp;\n"


def check(tally: Tally, _: Options) -> None:
    for path in sorted((ROOT / "migrations").glob("*.sql")):
        sql = path.read_text()
        first = re.sub(r"^--.*\n|^\n", "", sql, flags=re.MULTILINE)
        tally.check(f"{path.name}: sets the search path first", None if first.startswith(_PIN) else f"it has no {_PIN}")
        tally.check(f"{path.name}: pgspot", _findings(sql))
    # That there are findings where there should be some.
    tables = (ROOT / "migrations/0001_tables.sql").read_text()
    tally.check("pgspot finds what is not pinned", None if _findings(tables.replace(_PIN, "")) else "it found nothing")


def _findings(sql: str) -> str | None:
    """What pgspot says, unless it has nothing to say. It cannot read five things that are as good as what it is shown instead."""
    # The names in a RETURN body are bound when the function is made, as those of any statement of the file.
    sql = re.sub(r"CREATE FUNCTION [^;]*?\nRETURN (.+?);\n", r"SELECT \1;\n", sql, flags=re.DOTALL)
    sql = sql.replace("RETURN NEXT ", "RETURN QUERY SELECT ")
    sql = sql.replace("OPEN v_cursor FOR EXECUTE ", "EXECUTE ")
    # It forgets the quotes of an argument that has the name of an expression.
    sql = sql.replace('"coalesce"', "coalesces")
    # It knows no table, so it does not know what a variable of a table's type holds.
    sql = re.sub(r"^( +v_\w+) postrider\.\w+;", r"\1 record;", sql, flags=re.MULTILINE)
    done = subprocess.run([_PGSPOT], input=sql, capture_output=True, text=True)
    return None if done.returncode == 0 else done.stdout + done.stderr
