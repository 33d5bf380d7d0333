"""How archives are told from other files, and what damaged ones raise."""

import tarfile
import zipfile
import zlib
from io import BytesIO
from lzma import LZMAError

DAMAGE = (
    EOFError, KeyError, LZMAError, NotImplementedError, OSError, OverflowError, RuntimeError,
    ValueError, zipfile.BadZipFile, zlib.error, tarfile.TarError,
)  # fmt: skip
_BEFORE_SIGN = 257  # bytes of the header of a tar archive
_PACKINGS = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0")


def looks_like_tar(data: bytes) -> bool:
    """Whether the bytes are a tar archive, packed or not."""
    if data[_BEFORE_SIGN : _BEFORE_SIGN + 5] == b"ustar":
        return True
    if not data.startswith(_PACKINGS):
        return False
    try:
        with tarfile.open(fileobj=BytesIO(data), mode="r|*") as archive:
            return archive.next() is not None
    except DAMAGE:
        return False
