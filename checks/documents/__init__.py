"""Runs every snippet of README.md and docs/ against the real product, and compares what they say it prints.

Each page is one story with a database of its own; CONTRIBUTING.md tells how a page says what is run and how.
"""

import os
import pathlib
import sys
import tempfile

from checks import ROOT
from checks.documents.network import own_network
from checks.documents.shell import Shell
from checks.documents.story import Story
from checks.harness.options import Options
from checks.harness.postgres import Postgres, postgres
from checks.harness.product import built_executable
from checks.harness.tally import Tally


def check(tally: Tally, options: Options) -> None:
    pages = [pathlib.Path(page).resolve() for page in options.pages] or _all_pages()
    executable = built_executable()
    not_run: list[str] = []
    with own_network(), postgres(listen_addresses="127.0.0.1", max_connections="100", wal_level="replica") as server:
        for number, page in enumerate(pages):
            database = f"page_{number}"
            with server.session() as session:
                session.rows(f"CREATE DATABASE {database}")
            not_run += _tell(page, server, database, executable, options.all_languages, tally)
    for line in not_run:
        print(f"not run: {line}")


def _all_pages() -> list[pathlib.Path]:
    documents = sorted(ROOT.glob("docs/**/*.md"))
    return [ROOT / "README.md", *(page for page in documents if "decisions" not in page.parts)]


def _tell(
    page: pathlib.Path, server: Postgres, database: str, executable: pathlib.Path, all_languages: bool, tally: Tally
) -> list[str]:
    """Tells one page in a directory that goes away, and returns which of its blocks were not run, and why."""
    name = page.relative_to(ROOT) if page.is_relative_to(ROOT) else page
    # Servers that a page starts may still write while the directory goes away.
    with tempfile.TemporaryDirectory(prefix="postrider-documents-", ignore_cleanup_errors=True) as directory:
        shell = Shell(directory, _environment(server, database, executable, directory))
        try:
            result = Story(page, ROOT, shell, all_languages).tell()
        finally:
            shell.stop_all()
    for line, problem in result.failures:
        tally.check(f"{name}:{line}", problem)
    tally.count(result.passed)
    print(f"{name}: {result.passed} hold, {len(result.failures)} do not", flush=True)
    return [f"{name}:{line}: {reason}" for line, reason in result.not_run]


def _environment(server: Postgres, database: str, executable: pathlib.Path, directory: str) -> dict[str, str]:
    python = pathlib.Path(sys.executable).parent
    kept = {name: os.environ[name] for name in ("LANG", "TERM") if name in os.environ}
    return kept | {
        "PATH": f"{executable.parent}:{python}:{os.environ['PATH']}", "HOME": directory,
        "NODE_PATH": f"{ROOT}/.build/node/usr/share/nodejs:{ROOT}/.build/node/usr/lib/nodejs", "GO111MODULE": "off",
        "GOPATH": "/usr/share/gocode", "GOCACHE": str(ROOT / ".build/go-cache"),
        "CLASSPATH": "/usr/share/java/postgresql.jar", "LC_ALL": "C.UTF-8",
        "REPOSITORY": str(ROOT), "PGUSER": "postgres", "PGHOST": str(server.root), "PGPORT": "5432", "PGDATABASE": database,
        "POSTRIDER_DATABASE_URL": f"dbname={database}",
    }
