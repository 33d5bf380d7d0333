"""The archive that a Word file is: its parts, and what they refer to."""

import posixpath
import zipfile
import zlib
from contextlib import suppress
from io import BytesIO
from urllib.parse import unquote

from lxml import etree

from indexer.readers.limits import FILE_OPTION, Limits, megabytes, too_large
from indexer.readers.outcome import UnreadableError
from indexer.readers.word.names import Element, name

COMPOUND_FILE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""What a .doc and an encrypted .docx begin with."""
_MAIN = "word/document.xml"
_DAMAGE = (
    KeyError, EOFError, OSError, NotImplementedError, RuntimeError, ValueError,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip


class Part:
    """A part of XML, and the parts that it refers to by id."""

    def __init__(self, package: "Package", path: str, root: Element) -> None:
        self.root = root
        self.path = path
        self._package = package
        self._targets = package.targets(path)

    def related(self, identity: str | None) -> "Part | None":
        """The part that an id refers to; None, and a warning, if it is missing."""
        _, path = self._targets.get(identity or "", ("", ""))
        if not path:
            self._package.warnings.append(f"{self.path} refers to a part that isn't named")
            return None
        return self._package.part(path)

    def path_of(self, identity: str | None) -> str:
        """The path or address that an id refers to, whether it's there or not."""
        return self._targets.get(identity or "", ("", identity or ""))[1]

    def of_kind(self, kind: str) -> "Part | None":
        """The part of a kind, such as `footnotes`: by reference, else by its usual name."""
        found = (path for other, path in self._targets.values() if other == kind)
        usual = posixpath.join(posixpath.dirname(self.path), f"{kind}.xml")
        path = next((path for path in (*found, usual) if self._package.holds(path)), None)
        return self._package.part(path) if path else None


class Package:
    """An opened Word file. `warnings` are about parts that can't be read whole."""

    def __init__(self, data: bytes, limits: Limits) -> None:
        """Raises: UnreadableError if it isn't an archive, or unpacks to more than allowed."""
        self.warnings: list[str] = []
        if data.startswith(COMPOUND_FILE):
            raise UnreadableError(
                "a .docx expected, found an encrypted or an old Word document (.doc); save it as "
                ".docx without a password"
            )
        try:
            self._archive = zipfile.ZipFile(BytesIO(data))
        except _DAMAGE as error:
            raise UnreadableError("damaged, or not a Word document (.docx)") from error
        entries = self._archive.infolist()
        unpacked = sum(entry.file_size for entry in entries)
        if unpacked > limits.file_bytes:
            amounts = f"unpacks to {megabytes(unpacked)}", megabytes(limits.file_bytes)
            raise UnreadableError(too_large(*amounts, FILE_OPTION))
        self._entries = {_key(entry.filename): entry for entry in entries}

    def holds(self, path: str) -> bool:
        return _key(path) in self._entries

    def main(self) -> Part:
        """The part with the document's text. Raises: UnreadableError if there is none."""
        named = [path for kind, path in self.targets("").values() if kind == "officeDocument"]
        others = sorted(key for key in self._entries if key.startswith("word/document"))
        path = next((path for path in (*named, _MAIN, *others) if self.holds(path)), None)
        part = self.part(path) if path else None
        if part is None or name(part.root) != "w:document":
            why = "; ".join(self.warnings) or "no text in it"
            raise UnreadableError(f"damaged, or not a Word document: {why}")
        return part

    def part(self, path: str) -> Part | None:
        """The part of XML at a path; None, and a warning, if it isn't there or can't be read.

        Of a damaged part what stands before the damage is read, and of broken XML what the parser
        can keep, each with a warning.
        """
        if not self.holds(path):
            self.warnings.append(f"{path} is missing: its text isn't indexed")
            return None
        try:
            root = self._parsed(path, self._read(path))
        except _DAMAGE:
            self.warnings.append(f"{path} is damaged: what stands behind the damage isn't indexed")
            root = _salvaged(self._beginning(path))
        return None if root is None else Part(self, path, root)

    def targets(self, path: str) -> dict[str, tuple[str, str]]:
        """What a part refers to: by id, the kind and the path. An empty path is the package."""
        folder, file = posixpath.split(path)
        try:
            root = _parse(self._read(posixpath.join(folder, "_rels", f"{file}.rels")), recover=True)
        except (*_DAMAGE, etree.XMLSyntaxError):
            return {}
        found = {}
        for entry in root if root is not None else ():
            target = unquote(entry.get("Target") or "").replace("\\", "/")
            if entry.get("TargetMode") != "External":
                target = posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/")
            found[entry.get("Id") or ""] = ((entry.get("Type") or "").rpartition("/")[2], target)
        return found

    def _read(self, path: str) -> bytes:
        return self._archive.read(self._entries[_key(path)])

    def _beginning(self, path: str) -> bytes:
        """What can be unpacked of a damaged part, to within four kilobytes before the damage."""
        found = bytearray()
        with suppress(*_DAMAGE), self._archive.open(self._entries[_key(path)]) as opened:
            while piece := opened.read(1024):
                found += piece
        return bytes(found)

    def _parsed(self, path: str, data: bytes) -> Element | None:
        try:
            return _parse(data, recover=False)
        except etree.XMLSyntaxError as error:
            why = f"{path} is broken XML, its text may not be whole: {error.msg}"
            self.warnings.append(why)
            return _salvaged(data)


def _salvaged(data: bytes) -> Element | None:
    try:
        return _parse(data, recover=True)
    except etree.XMLSyntaxError:
        return None


def _parse(data: bytes, *, recover: bool) -> Element | None:
    # Entities aren't replaced, so that none can grow or name a file.
    parser = etree.XMLParser(
        resolve_entities=False, recover=recover, remove_comments=True, remove_pis=True
    )
    return etree.fromstring(data, parser)


def _key(path: str) -> str:
    """Paths in a package are the same whatever their capitals; some writers turn slashes round."""
    return path.replace("\\", "/").lstrip("/").lower()
