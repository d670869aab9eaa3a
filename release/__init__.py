"""Makes what users install out of the image: a tarball, a .deb, an archive of the image, an SBOM. Called by scripts/release.

All of them hold the same executable, and the same image gives the same bytes: names are sorted, owners are root, and every time is
that of the commit.
"""

import pathlib

ROOT = pathlib.Path(__file__).resolve().parent.parent
