"""Word documents: headings, paragraphs and rows of tables, with a section for each heading."""

from collections.abc import Iterator

from engine.documents import Document
from indexer.readers.headings import Block, join_blocks
from indexer.readers.identity import document_id
from indexer.readers.limits import Limits
from indexer.readers.office.names import attribute, descendants, name
from indexer.readers.office.package import Package, Part
from indexer.readers.outcome import Item, LeftOut, RawFile, Warned
from indexer.readers.word.story import Findings, Story
from indexer.readers.word.styles import Styles

_NOTES = {"footnotes": "w:footnote", "endnotes": "w:endnote"}
_SEPARATORS = ("separator", "continuationSeparator", "continuationNotice")

COMMENTS = "comments"
NOTES_UNUSED = "notes that nothing refers to"


def read(file: RawFile, limits: Limits) -> Iterator[Item]:
    """A Word file as one document, and what was left out of it.

    Headers stand first, footers last, each text once; notes stand behind the paragraph that refers
    to them. The title is the paragraph styled as one, else the first heading, else the file's name.

    Raises: UnreadableError if the file isn't a Word document, or unpacks to more than
    `limits.file_bytes`.
    """
    package = Package(file.data, limits, "Word document", ".docx")
    main = package.main("word/document", "w:document")
    styles = main.of_kind("styles")
    findings = Findings(Styles(styles.root if styles else None))
    findings.notes = dict(_notes(main, findings))
    body = Story(main, main.root, findings).blocks()
    headers = _running(main, "w:headerReference", findings)
    footers = _running(main, "w:footerReference", findings)
    text, sections = join_blocks([*headers, *body, *footers])
    titles = findings.titles + [block.text for block in body if block.is_heading]
    yield Document(
        id=document_id(file.source),
        source=file.source,
        title=" ".join(titles[0].split()) if titles else file.stem,
        text=text,
        sections=sections,
        metadata={"format": "docx"},
    )
    for warning in dict.fromkeys(package.warnings + findings.warnings):
        yield Warned(file.source, warning)
    findings.left_out[COMMENTS] = _comments(main)
    findings.left_out[NOTES_UNUSED] = len(findings.notes)
    for what, count in findings.left_out.items():
        if count:
            yield LeftOut(file.source, what, count)


def _notes(main: Part, findings: Findings) -> Iterator[tuple[tuple[str, str], Story]]:
    """The notes, by their kind and id."""
    for kind, wanted in _NOTES.items():
        if (part := main.of_kind(kind)) is None:
            continue
        for note in part.root:
            if name(note) == wanted and attribute(note, "type") not in _SEPARATORS:
                yield (kind, attribute(note, "id") or ""), Story(part, note, findings)


def _running(main: Part, reference: str, findings: Findings) -> list[Block]:
    """The paragraphs of all headers, or all footers, each text once."""
    blocks: dict[str, Block] = {}
    seen: set[str] = set()
    for section in descendants(main.root, "w:sectPr"):
        for one in section:
            identity = attribute(one, "id") or ""
            if name(one) != reference or identity in seen:
                continue
            seen.add(identity)
            if part := main.related(identity):
                for block in Story(part, part.root, findings, is_running=True).blocks():
                    blocks.setdefault(" ".join(block.text.split()), Block(block.text))
    return list(blocks.values())


def _comments(main: Part) -> int:
    part = main.of_kind("comments")
    return sum(name(one) == "w:comment" for one in part.root) if part else 0
