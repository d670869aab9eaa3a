"""Files in memory, and archives of them that are the same bytes each time."""

import dataclasses
import gzip
import io
import tarfile


@dataclasses.dataclass(frozen=True)
class File:
    content: bytes = b""
    mode: int = 0o644
    # Where a symbolic link leads; then there is no content.
    link: str | None = None
    is_folder: bool = False


# How well large files are compressed. A higher level takes twice the time and saves one part in a hundred.
LARGE = 6

# By path, without a slash at the beginning.
Files = dict[str, File]


def folders_of(files: Files) -> Files:
    """Every folder that a file is in and that is not there itself."""
    names = {path.rsplit("/", depth)[0] for path in files for depth in range(1, path.count("/") + 1)}
    return {name: File(mode=0o755, is_folder=True) for name in names if name not in files}


def tar(files: Files, epoch: int) -> bytes:
    """Sorted by name, owned by root, each of the same time."""
    sink = io.BytesIO()
    everything = files | folders_of(files)
    with tarfile.open(fileobj=sink, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for path in sorted(everything):
            file, entry = everything[path], tarfile.TarInfo(path)
            entry.mode, entry.mtime, entry.uname, entry.gname = file.mode, epoch, "root", "root"
            if file.is_folder:
                entry.type = tarfile.DIRTYPE
            elif file.link is not None:
                entry.type, entry.linkname = tarfile.SYMTYPE, file.link
            else:
                entry.size = len(file.content)
            archive.addfile(entry, io.BytesIO(file.content))
    return sink.getvalue()


def compressed(content: bytes, level: int = 9) -> bytes:
    """As gzip with `-n` does it: without a name and a time."""
    return gzip.compress(content, level, mtime=0)
