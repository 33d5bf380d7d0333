"""Mail: a document for each message, its headers that people read and its text."""

import re
from collections.abc import Iterator
from email import policy
from email.message import EmailMessage, MIMEPart
from email.parser import BytesParser

from engine.documents import Document
from indexer.readers.decoding import decode
from indexer.readers.fields import record_document
from indexer.readers.headings import join_blocks
from indexer.readers.identity import document_id
from indexer.readers.limits import Limits
from indexer.readers.mail_signs import MARK
from indexer.readers.nesting import refuse_deep_tree
from indexer.readers.outcome import Item, LeftOut, RawFile, Skipped, UnreadableError
from indexer.readers.page import Page, parse

_SHOWN = ("From", "To", "Cc", "Date", "Subject")


def read(file: RawFile, limits: Limits) -> Iterator[Item]:
    """A message as one document, named by its subject. Attachments are left out and counted.

    Raises: UnreadableError if the message holds no text.
    """
    text, title, items = _message(file, file.data, limits)
    yield Document(
        id=document_id(file.source),
        source=file.source,
        title=title or file.stem,
        text=text,
        metadata={"format": "eml"},
    )
    yield from items


def read_mbox(file: RawFile, limits: Limits) -> Iterator[Item]:
    """A document for each message of a mailbox. A message without text is skipped."""
    marks = [match.end() for match in MARK.finditer(file.data) if _starts(file.data, match)]
    ends = [file.data.rindex(b"From ", 0, mark) for mark in marks[1:]] + [len(file.data)]
    for number, (start, end) in enumerate(zip(marks, ends, strict=True), 1):
        try:
            text, title, items = _message(file, file.data[start:end], limits)
        except UnreadableError as error:
            yield Skipped(file.source, f"message {number}: {error}")
            continue
        yield record_document(file, f"message {number}", title, text, {"format": "mbox"})
        yield from items


def _starts(data: bytes, mark: re.Match[bytes]) -> bool:
    """Whether a line with "From" starts a message: an empty line stands before it."""
    before = data[: mark.start()] if mark.start() < 4 else data[mark.start() - 4 : mark.start()]
    return mark.start() == 0 or before.replace(b"\r", b"").endswith(b"\n\n")


def _message(file: RawFile, data: bytes, limits: Limits) -> tuple[str, str, list[Item]]:
    message = BytesParser(EmailMessage, policy=policy.default).parsebytes(data)
    body = message.get_body(("plain", "html"))
    text, items = _text(file, body, limits) if body is not None else ("", [])
    if not text.strip():
        raise UnreadableError("no text in the message")
    heads = "\n".join(f"{name}: {message[name]}" for name in _SHOWN if message[name])
    if attached := sum(1 for _ in message.iter_attachments()):
        items.append(LeftOut(file.source, "attachments", attached))
    return f"{heads}\n\n{text}", " ".join(str(message["Subject"] or "").split()), items


def _text(file: RawFile, body: MIMEPart, limits: Limits) -> tuple[str, list[Item]]:
    payload = body.get_payload(decode=True)
    if not isinstance(payload, bytes) or not payload.strip():
        return "", []
    decoded = decode(payload, body.get_content_charset())
    items: list[Item] = list(decoded.warnings(file.source))
    if body.get_content_subtype() != "html":
        return decoded.text, items
    if (root := parse(decoded.text)) is None:
        return "", []
    refuse_deep_tree(root, limits.depth)
    page = Page().read(root)
    return join_blocks(page.blocks)[0], [*items, *page.notes(file.source)]
