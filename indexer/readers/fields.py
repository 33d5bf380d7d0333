"""The names under which rows and records keep their text, title, id, question and answer."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from engine.document_fields import FieldValue
from engine.documents import Document, Section
from indexer.readers.identity import document_id
from indexer.readers.outcome import RawFile
from indexer.readers.rows import LONGEST_CELL, Cell, one_line, record_text

TEXT_NAMES = (
    "text",
    "contents",
    "content",
    "body",
    "paragraph",
    "paragraphs",
    "passage",
    "context",
)
TITLE_NAMES = ("title", "headline", "subject", "name")
ID_NAMES = ("_id", "id", "docid", "doc_id", "pid", "passage_id", "docno")
_QUESTION_NAMES = ("question", "questions", "q", "frage", "pregunta", "domanda", "vraag")
_ANSWER_NAMES = ("answer", "answers", "a", "reply", "response", "antwort", "respuesta", "antwoord")


@dataclass(frozen=True)
class Roles:
    """The columns that are more than one among others, by their names as written."""

    text: str | None = None
    title: str | None = None
    identity: str | None = None
    question: str | None = None
    answer: str | None = None

    @property
    def known(self) -> frozenset[str]:
        """The columns that are shown as something else, and are no fields."""
        return frozenset(filter(None, (self.text, self.title, self.identity)))

    @property
    def told(self) -> bool:
        return bool(self.known or self.question)


def roles_of(names: Iterable[str]) -> Roles:
    """The roles of columns, told by their names in any case."""
    written: dict[str, str] = {}
    for name in names:
        written.setdefault(one_line(name).casefold(), name)

    def first(known: tuple[str, ...], but: str | None = None) -> str | None:
        return next((written[n] for n in known if n in written and written[n] != but), None)

    text = first(TEXT_NAMES)
    question, answer = first(_QUESTION_NAMES), first(_ANSWER_NAMES)
    asks = question is not None and answer is not None
    return Roles(
        text=text,
        title=first(TITLE_NAMES, text),
        identity=first(ID_NAMES),
        question=question if asks else None,
        answer=answer if asks else None,
    )


def record_document(
    file: RawFile,
    record: str,
    title: str,
    text: str,
    metadata: Mapping[str, str | int | float],
    columns: Mapping[str, FieldValue] | None = None,
    heading: str | None = None,
) -> Document:
    """A document from one record of a file that holds several; `heading` stands over all of it."""
    return Document(
        id=document_id(file.source, record),
        source=file.source,
        title=title,
        text=text,
        sections=(Section(0, len(text), heading),) if heading else (),
        metadata={**metadata, "record": record},
        columns=columns or {},
    )


def cells_document(
    file: RawFile,
    cells: Sequence[Cell],
    roles: Roles,
    place: str,
    metadata: Mapping[str, str | int | float],
    columns: Mapping[str, FieldValue],
) -> Document:
    """A document from the cells of a row or record, in order.

    All cells are in its text, under their columns' names, since any may be asked about. But a
    record that is a text, perhaps with an id, is that text; and in BEIR's layout (`_id`, `title`,
    `text`) the text alone is, as in the collection. Of a question with its answer, the answer comes
    first: the reader then finds it, and not the question, which is much like the one asked.
    `place` is its place in the file, for a record without an id.
    """
    held = dict(reversed(cells))
    title = one_line(held.get(roles.title or "", ""))
    identity = held.get(roles.identity or "", "").strip() or place
    question = one_line(held.get(roles.question or "", ""))
    if question and roles.answer in held:
        asked = (roles.identity, roles.question, roles.answer)
        rest = record_text([cell for cell in cells if cell[0] not in asked])
        text = "\n\n".join(filter(None, [held[roles.answer], question, rest]))
        title = title or question
    elif roles.text in held:
        text = held[roles.text]
        others = [cell for cell in cells if cell[0] not in (roles.identity, roles.text)]
        if roles.identity == "_id":
            others = []
        elif title and _begins_with(text, title):
            others = [cell for cell in others if cell[0] != roles.title]
        text = record_text(others, body=(roles.text, text))
    elif all(name == roles.identity for name, _ in cells):
        text = ""
    else:
        lead = _lead(cells, roles)
        text = record_text(cells, lead)
        title = title or question or (one_line(lead[1]) if lead else "")
    return record_document(file, identity, title, text, metadata, columns, question or None)


def _begins_with(text: str, title: str) -> bool:
    """Whether a text begins with its title, as a line or a sentence of it."""
    start, rest = text.lstrip()[: len(title)], text.lstrip()[len(title) :]
    return start.casefold() == title.casefold() and not rest[:1].isalnum()


def _lead(cells: Sequence[Cell], roles: Roles) -> Cell | None:
    """The cell that names a row: its title, or else its first of letters."""
    for name, cell in cells:
        if name == roles.title or (roles.title is None and any(c.isalpha() for c in cell)):
            return (name, cell) if len(cell) <= LONGEST_CELL / 4 else None
    return None
