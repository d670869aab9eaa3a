"""The .deb and the tarball in a Debian of their own: installed and used by a newcomer, upgraded, removed, purged."""

import pathlib
import re
import shutil

from checks.harness.postgres import postgres
from checks.harness.tally import Tally
from checks.release import newcomer
from checks.release.contents import one
from checks.release.root import Root, debian

# From the file that they got to the first event that arrives.
MOST_S = 180
SETTINGS, WANTED = "/etc/postrider/postrider.conf", "/etc/systemd/system/multi-user.target.wants/postrider.service"


def check(dist: pathlib.Path, tally: Tally) -> None:
    for suite in ("bookworm", "trixie"):
        with postgres() as server, debian(suite, server.root) as root:
            before = root.paths()
            _install(root, one(dist, "*.deb"), f"{suite}: .deb", "Debian and Ubuntu", tally)
            _check_package(root, suite, before, tally)
    with postgres() as server, debian("bookworm", server.root) as root:
        _install(root, one(dist, "*-linux-x86_64.tar.gz"), "bookworm: tarball", "A tarball", tally)


def _install(root: Root, file: pathlib.Path, title: str, section: str, tally: Tally) -> None:
    shutil.copy(file, root.path / "root")
    took = newcomer.first_event(root, section)
    print(f"{title}: the first event arrived after {took:.0f} s")
    tally.check(f"{title}: a newcomer's first event arrives within {MOST_S} s", None if took < MOST_S else f"after {took:.0f} s")
    version = root.run("postrider --version").split()[1]
    tally.check(f"{title}: it says its version", None if version in re.split("[-_]", file.name) else version)


def _check_package(root: Root, suite: str, before: set[str], tally: Tally) -> None:
    def holds(what: str, condition: str) -> None:
        tally.check(f"{suite}: .deb: {what}", None if root.holds(condition) else f"`{condition}` does not hold")

    holds("the unit is there and is not enabled", f"systemctl is-enabled postrider.service | grep -qx disabled; test ! -e {WANTED}")
    holds("there is a user for it, who cannot log in", "getent passwd postrider | grep -q ':/nonexistent:/usr/sbin/nologin$'")
    holds("the worker's user reads the settings", f"runuser -u postrider -- test -r {SETTINGS}")
    holds("others do not", f"! runuser -u nobody -- test -r {SETTINGS}")
    holds("systemd takes the unit", "test -z \"$(systemd-analyze verify --man=no postrider.service 2>&1)\"")
    pages = "/usr/share/man/man1/postrider.1.gz", "/usr/share/man/man1/postrider-worker.1.gz"
    holds("the manual has its pages, the one that the unit names too", " && ".join(f"test -e {page}" for page in pages))
    root.run(f"systemctl enable postrider.service; echo '# mine' >> {SETTINGS}; chmod 0600 {SETTINGS}")
    root.run("apt-get -qq install --reinstall /root/*.deb")
    holds("an upgrade keeps what the administrator changed", f"grep -q '# mine' {SETTINGS} && test $(stat -c %a {SETTINGS}) = 600")
    holds("an upgrade keeps the unit enabled", f"test -L {WANTED}")
    root.run("apt-get -qq remove postrider")
    holds("removed, the settings stay", f"test -e {SETTINGS} && ! command -v postrider")
    # What it brought goes too, though something else may suggest it.
    alone = "-o APT::AutoRemove::SuggestsImportant=false -o APT::AutoRemove::RecommendsImportant=false"
    root.run(f"apt-get -qq purge --auto-remove {alone} postrider && apt-get -qq purge --auto-remove {alone}")
    left = sorted(root.paths() - before)
    tally.check(f"{suite}: .deb: nothing is left after a purge", "\n".join(left))
    holds("its user is gone", "! getent passwd postrider && ! getent group postrider")
