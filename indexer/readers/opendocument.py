"""OpenDocument: texts with their headings, tables and notes, and presentations slide by slide."""

from collections import Counter
from collections.abc import Iterable, Iterator

from engine.documents import Document
from indexer.readers.headings import Block, join_blocks, join_pages
from indexer.readers.identity import document_id
from indexer.readers.inside.signs import DAMAGE
from indexer.readers.limits import Limits
from indexer.readers.nesting import refuse_deep_tree
from indexer.readers.office.names import Element, attribute, child, descendants, name
from indexer.readers.office.open_text import Gathered, blocks_of
from indexer.readers.office.package import Package, Part
from indexer.readers.outcome import Item, LeftOut, RawFile, UnreadableError, Warned

_RUNNING = frozenset(["date-time", "footer", "header", "page-number"])
RUNNING = "dates, numbers and footers of slides"


def read_text(file: RawFile, limits: Limits) -> Iterator[Item]:
    """A text document (.odt): headers first, footers last, each text once.

    Raises: UnreadableError if the file is no such document, is encrypted, or unpacks to more than
    `limits.file_bytes`.
    """
    package, content = _opened(file, limits, "text of OpenDocument", ".odt")
    gathered = Gathered(package, _title_styles(content))
    body = list(blocks_of(_body(content, "office:text"), gathered))
    styles = package.part("styles.xml") if package.holds("styles.xml") else None
    headers = _running(styles, "style:header", gathered)
    footers = _running(styles, "style:footer", gathered)
    text, sections = join_blocks([*headers, *body, *footers])
    heads = [" ".join(block.text.split()) for block in body if block.is_heading]
    title = next(filter(None, [*gathered.titles, _title(package), *heads]), file.stem)
    yield Document(document_id(file.source), file.source, title, text, sections, {"format": "odt"})
    yield from _notes(file, package, gathered.left_out)


def read_slides(file: RawFile, limits: Limits) -> Iterator[Item]:
    """A presentation (.odp): a page for each slide, under its title, with the speaker's notes.

    Raises: as `read_text`.
    """
    package, content = _opened(file, limits, "presentation of OpenDocument", ".odp")
    gathered = Gathered(package)
    slides = [
        list(_slide(page, gathered))
        for page in _body(content, "office:presentation")
        if name(page) == "draw:page"
    ]
    text, sections = join_pages(slides)
    heads = (block.text for slide in slides for block in slide if block.is_heading)
    title = _title(package) or " ".join(next(heads, file.stem).split())
    yield Document(document_id(file.source), file.source, title, text, sections, {"format": "odp"})
    yield from _notes(file, package, gathered.left_out)


def _opened(file: RawFile, limits: Limits, kind: str, suffix: str) -> tuple[Package, Part]:
    package = Package(file.data, limits, kind, suffix)
    if _is_encrypted(package):
        raise UnreadableError("encrypted; save it without a password")
    content = package.part("content.xml")
    if content is None:
        raise UnreadableError(f"damaged, or not a {kind}: {'; '.join(package.warnings)}")
    refuse_deep_tree(content.root, limits.depth)
    return package, content


def _is_encrypted(package: Package) -> bool:
    try:
        return b"encryption-data" in package.read("META-INF/manifest.xml")
    except DAMAGE:
        return False


def _body(content: Part, kind: str) -> Element:
    body = child(content.root, "office:body", kind)
    if body is None:
        raise UnreadableError("damaged: no text in it")
    return body


def _title_styles(content: Part) -> frozenset[str]:
    """The style of a document's title, and those that are it with something changed."""
    changed = (
        attribute(one, "name") or ""
        for one in descendants(content.root, "style:style")
        if attribute(one, "parent-style-name") == "Title"
    )
    return frozenset(["Title", *changed])


def _title(package: Package) -> str:
    if not package.holds("meta.xml") or (meta := package.part("meta.xml")) is None:
        return ""
    found = (" ".join((one.text or "").split()) for one in meta.root.iter("{*}title"))
    return next(filter(None, found), "")


def _running(styles: Part | None, kind: str, gathered: Gathered) -> list[Block]:
    """The paragraphs of all headers, or all footers, each text once."""
    found: dict[str, Block] = {}
    for one in descendants(styles.root, kind) if styles else ():
        for block in blocks_of(one, gathered):
            found.setdefault(" ".join(block.text.split()), Block(block.text))
    return list(found.values())


def _slide(page: Element, gathered: Gathered) -> Iterator[Block]:
    """The title, the other texts, and what the speaker notes."""
    shapes = [(attribute(shape, "class") or "", shape) for shape in page]
    gathered.left_out[RUNNING] += sum(kind in _RUNNING for kind, _ in shapes)
    shapes = [(kind, shape) for kind, shape in shapes if kind not in _RUNNING]
    for _, shape in (one for one in shapes if one[0] == "title"):
        yield Block("\n".join(_texts(blocks_of([shape], gathered))), is_heading=True)
    for _, shape in (one for one in shapes if one[0] != "title"):
        if name(shape) == "presentation:notes":
            frames = [one for one in shape if attribute(one, "class") == "notes"]
            yield from blocks_of(frames, gathered)
        else:
            yield from _together(blocks_of([shape], gathered))


def _together(blocks: Iterable[Block]) -> Iterator[Block]:
    """The paragraphs of a shape as one block, a line each; rows of its tables as they are."""
    lines: list[str] = []
    for block in blocks:
        if block.is_record:
            yield Block("\n".join(lines))
            lines = []
            yield block
        else:
            lines.append(block.text)
    yield Block("\n".join(lines))


def _texts(blocks: Iterable[Block]) -> list[str]:
    return [block.text for block in blocks if block.text.strip()]


def _notes(file: RawFile, package: Package, left_out: Counter[str]) -> Iterator[Item]:
    yield from (Warned(file.source, warning) for warning in dict.fromkeys(package.warnings))
    yield from (LeftOut(file.source, what, count) for what, count in left_out.items() if count)
