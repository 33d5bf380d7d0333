"""The archive that a document of an office is: its parts, and what they refer to."""

import posixpath
import zipfile
from contextlib import suppress
from io import BytesIO
from urllib.parse import unquote

from lxml import etree

from indexer.readers.inside.signs import DAMAGE, OLE
from indexer.readers.limits import FILE_OPTION, Limits, megabytes, too_large
from indexer.readers.office.names import Element, name
from indexer.readers.outcome import UnreadableError


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

    def related_of_kind(self, kind: str) -> "Part | None":
        """The part of a kind that it refers to."""
        found = (path for other, path in self._targets.values() if other == kind)
        path = next(filter(self._package.holds, found), None)
        return self._package.part(path) if path else None

    def of_kind(self, kind: str) -> "Part | None":
        """The part of a kind, such as `footnotes`: by reference, else by its usual name."""
        found = (path for other, path in self._targets.values() if other == kind)
        usual = posixpath.join(posixpath.dirname(self.path), f"{kind}.xml")
        path = next((path for path in (*found, usual) if self._package.holds(path)), None)
        return self._package.part(path) if path else None


class Package:
    """An opened file of `kind`, which `suffix` ends. `warnings` are about parts that can't be read
    whole.
    """

    def __init__(self, data: bytes, limits: Limits, kind: str, suffix: str) -> None:
        """Raises: UnreadableError if it isn't an archive, or unpacks to more than allowed."""
        self.warnings: list[str] = []
        self._kind = kind
        if data.startswith(OLE):
            old = f"{kind} ({suffix[:-1]})" if suffix.endswith("x") else "file of Office"
            raise UnreadableError(
                f"a {suffix} expected, found an encrypted or an old {old}; save it as {suffix} "
                "without a password"
            )
        try:
            self._archive = zipfile.ZipFile(BytesIO(data))
        except DAMAGE as error:
            raise UnreadableError(f"damaged, or not a {kind} ({suffix})") from error
        entries = self._archive.infolist()
        unpacked = sum(entry.file_size for entry in entries)
        if unpacked > limits.file_bytes:
            amounts = f"unpacks to {megabytes(unpacked)}", megabytes(limits.file_bytes)
            raise UnreadableError(too_large(*amounts, FILE_OPTION))
        self._entries = {_key(entry.filename): entry for entry in entries}

    def holds(self, path: str) -> bool:
        return _key(path) in self._entries

    def paths(self, start: str) -> list[str]:
        """The paths, in small letters, that begin so."""
        return sorted(key for key in self._entries if key.startswith(start))

    def main(self, usual: str, wanted: str) -> Part:
        """The part with the document's text: its path begins as `usual`, its root is a `wanted`.

        Raises: UnreadableError if there is none.
        """
        named = [path for kind, path in self.targets("").values() if kind == "officeDocument"]
        others = (f"{usual}.xml", *self.paths(usual))
        path = next((path for path in (*named, *others) if self.holds(path)), None)
        part = self.part(path) if path else None
        if part is None or name(part.root) != wanted:
            why = "; ".join(self.warnings) or "no text in it"
            raise UnreadableError(f"damaged, or not a {self._kind}: {why}")
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
            root = self._parsed(path, self.read(path))
        except DAMAGE:
            self.warnings.append(f"{path} is damaged: what stands behind the damage isn't indexed")
            root = _salvaged(self._beginning(path))
        return None if root is None else Part(self, path, root)

    def targets(self, path: str) -> dict[str, tuple[str, str]]:
        """What a part refers to: by id, the kind and the path. An empty path is the package."""
        folder, file = posixpath.split(path)
        try:
            root = _parse(self.read(posixpath.join(folder, "_rels", f"{file}.rels")), recover=True)
        except (*DAMAGE, etree.XMLSyntaxError):
            return {}
        found = {}
        for entry in root if root is not None else ():
            target = unquote(entry.get("Target") or "").replace("\\", "/")
            if entry.get("TargetMode") != "External":
                target = posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/")
            found[entry.get("Id") or ""] = ((entry.get("Type") or "").rpartition("/")[2], target)
        return found

    def read(self, path: str) -> bytes:
        """The bytes of a part. Raises: what is in DAMAGE if it isn't there, or is damaged."""
        return self._archive.read(self._entries[_key(path)])

    def _beginning(self, path: str) -> bytes:
        """What can be unpacked of a damaged part, to within four kilobytes before the damage."""
        found = bytearray()
        with suppress(*DAMAGE), self._archive.open(self._entries[_key(path)]) as opened:
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
