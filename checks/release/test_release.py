"""That what is released is the same bytes each time, that an image survives being read and written, and that its SBOM is one."""

import dataclasses
import io
import json
import pathlib
import tarfile
import tempfile
import unittest

from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

from release import image, sbom
from release.about import about
from release.facts import Facts
from release.files import File, Files, compressed, tar

FACTS = Facts("1.2.3", "0123abcd", 1_700_000_000, "Ada <ada@example.org>")
PIN = {
    "identity": "swift-crypto", "kind": "remoteSourceControl", "location": "https://github.com/apple/swift-crypto.git",
    "state": {"revision": "abc", "version": "4.5.2"},
}
FILES: Files = {
    "usr/bin/postrider": File(b"ELF", 0o555),
    "lib/ld.so": File(mode=0o777, link="ld-2.so"),
    "tmp": File(mode=0o1777, is_folder=True),
    "etc/os-release": File(b'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\n'),
    "var/lib/dpkg/status.d/libpq5": File(b"Package: libpq5\nArchitecture: amd64\nVersion: 15.1+x-1\nDescription: a\n b: c\n"),
    "usr/share/doc/postrider/toolchain": File(b"Swift version 6.3.1 (swift-6.3.1-RELEASE)\n"),
    "usr/share/doc/postrider/boringssl": File(b"This is of revision 0226\n"),
    "usr/share/doc/postrider/Package.resolved": File(json.dumps({"pins": [PIN]}).encode()),
    "usr/share/doc/postrider/third-party/swift/LICENSE.txt": File(b"Apache License ... Runtime Library Exception"),
    "usr/share/doc/postrider/third-party/swift-crypto/LICENSE.txt": File(b"Apache License"),
}
CONFIG = {"User": "65532:65532", "Entrypoint": ["/usr/bin/postrider"], "Cmd": ["worker"], "Hostname": "left behind by the builder"}
IMAGE = image.Image(FILES, CONFIG)


class Release(unittest.TestCase):
    def test_an_archive_does_not_depend_on_the_order_or_the_day(self) -> None:
        backwards = dict(reversed(FILES.items()))
        self.assertEqual(compressed(tar(FILES, FACTS.epoch)), compressed(tar(backwards, FACTS.epoch)))
        with tarfile.open(fileobj=io.BytesIO(tar(FILES, FACTS.epoch))) as archive:
            entries = archive.getmembers()
        self.assertEqual([entry.name for entry in entries], sorted(entry.name for entry in entries))
        self.assertEqual({(entry.mtime, entry.uid, entry.gid, entry.uname) for entry in entries}, {(FACTS.epoch, 0, 0, "root")})
        self.assertIn("usr/share/doc", [entry.name for entry in entries])

    def test_an_image_survives_being_written_and_read(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            saved = pathlib.Path(folder, "image.tar")
            saved.write_bytes(image.archive(IMAGE, FACTS))
            read = image.read(saved)
            self.assertEqual(image.archive(read, FACTS), image.archive(IMAGE, FACTS))
        self.assertEqual({path: read.files[path] for path in FILES}, FILES)
        self.assertEqual(read.config, {key: CONFIG[key] for key in ("User", "Entrypoint", "Cmd")})

    def test_the_bill_of_materials(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "a.spdx.json")
            path.write_bytes(sbom.sbom(IMAGE, FACTS))
            document = parse_file(str(path))
        self.assertEqual([message.validation_message for message in validate_full_spdx_document(document)], [])
        found = {package.name: (package.version, str(package.license_declared)) for package in document.packages}
        self.assertEqual(found, {
            "postrider": ("1.2.3", "Apache-2.0"), "swift": ("6.3.1", "Apache-2.0 WITH Swift-exception"),
            "swift-crypto": ("4.5.2", "Apache-2.0"), "boringssl": ("0226", "NOASSERTION"), "libpq5": ("15.1+x-1", "NOASSERTION"),
        })

    def test_a_licence_that_is_not_known_is_refused(self) -> None:
        licence = "usr/share/doc/postrider/third-party/swift-crypto/LICENSE.txt"
        unknown = dataclasses.replace(IMAGE, files=FILES | {licence: File(b"Mine")})
        with self.assertRaises(SystemExit):
            sbom.sbom(unknown, FACTS)

    def test_how_it_was_built_is_said(self) -> None:
        said = about(IMAGE, FACTS)
        for fact in ("1.2.3", "0123abcd", "2023-11-14T22:13:20Z", "Swift version 6.3.1", "Debian GNU/Linux 12",
                     "swift-crypto.git 4.5.2 abc"):
            self.assertIn(fact, said["BUILD"].content.decode())
        self.assertIn("Runtime Library Exception", said["third-party"].content.decode())
