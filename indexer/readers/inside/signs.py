"""How archives, and formats that are archives, are told from other files."""

import tarfile
import zipfile
import zlib
from io import BytesIO
from lzma import LZMAError

DAMAGE = (
    EOFError, KeyError, LZMAError, NotImplementedError, OSError, OverflowError, RuntimeError,
    ValueError, zipfile.BadZipFile, zlib.error, tarfile.TarError,
)  # fmt: skip
"""What damaged archives raise."""
PACKS = (b"PK\x03\x04", b"PK\x05\x06")
"""What zip archives begin with."""
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""What .doc, .xls, .ppt, .msg and encrypted files of Office begin with."""

_PACKINGS = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0")
_BEFORE_SIGN = 257  # bytes of the header of a tar archive
_MAIN_PARTS = {"word/document": "docx", "xl/workbook": "xlsx", "ppt/presentation": "pptx"}
_TYPES = {
    "application/epub+zip": "epub",
    "application/vnd.oasis.opendocument.text": "odt",
    "application/vnd.oasis.opendocument.spreadsheet": "ods",
    "application/vnd.oasis.opendocument.presentation": "odp",
}
_LONGEST_TYPE = 100  # characters
_SHEETS_OF_OLE = tuple(name.encode("utf-16-le") for name in ("Workbook", "Book\0"))


def packed_format(data: bytes) -> str | None:
    """The format of an archive, by what is in it; None if it's none, or a damaged one."""
    if data.startswith(OLE):
        return "xls" if any(name in data for name in _SHEETS_OF_OLE) else None
    if _is_tar(data):
        return "tar"
    return _zip_format(data) if data.startswith(PACKS) else None


def _is_tar(data: bytes) -> bool:
    if data[_BEFORE_SIGN : _BEFORE_SIGN + 5] == b"ustar":
        return True
    if not data.startswith(_PACKINGS):
        return False
    try:
        with tarfile.open(fileobj=BytesIO(data), mode="r|*") as archive:
            return archive.next() is not None
    except DAMAGE:
        return False


def _zip_format(data: bytes) -> str | None:
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            names = [name.lower() for name in archive.namelist()]
            told = ""
            if "mimetype" in archive.namelist():
                with archive.open("mimetype") as opened:
                    told = opened.read(_LONGEST_TYPE).decode("ascii", "replace").strip()
    except DAMAGE:
        return None
    if kind := _TYPES.get(told.removesuffix("-template")):
        return kind
    mains = (kind for main, kind in _MAIN_PARTS.items() if any(n.startswith(main) for n in names))
    return next(mains, "zip")
