"""Mail: a document for each message, its headers that people read and its text; attachments are
read by the readers of their kinds."""

import mimetypes
import re
from collections.abc import Iterator
from email import policy
from email.message import EmailMessage, Message, MIMEPart
from email.parser import BytesParser

from engine.documents import Document
from indexer.readers.decoding import decode
from indexer.readers.fields import record_document
from indexer.readers.headings import join_blocks
from indexer.readers.identity import document_id
from indexer.readers.inside.members import Members, safe_name
from indexer.readers.limits import Limits
from indexer.readers.mail_signs import MARK
from indexer.readers.nesting import refuse_deep_tree
from indexer.readers.outcome import Item, RawFile, Skipped, UnreadableError
from indexer.readers.page import Page, parse

ATTACHMENTS = "attachments"
_SHOWN = ("From", "To", "Cc", "Date", "Subject")
_UNREAD = ("image", "audio", "video")
_SIGNATURES = ("pgp-signature", "pkcs7-signature", "x-pkcs7-signature")

# What the library's parsers of headers and parts raise on odd ones.
_BROKEN = (AttributeError, AssertionError, LookupError, TypeError, ValueError)


def read(file: RawFile, limits: Limits) -> Iterator[Item]:
    """A message as one document, named by its subject, and those of its attachments.

    Raises: UnreadableError if the message holds neither text nor attachments.
    """
    members = Members(file, limits)
    message = _parsed(file.data)
    text, title, items = _message(file, message, limits)
    yield Document(
        id=document_id(file.source),
        source=file.source,
        title=title or file.stem,
        text=text,
        metadata={"format": "eml"},
    )
    yield from items
    yield from _attachments(message, members, "")
    yield from members.notes()


def read_mbox(file: RawFile, limits: Limits) -> Iterator[Item]:
    """A document for each message of a mailbox, and those of its attachments.

    A message with neither text nor attachments is skipped.
    """
    members = Members(file, limits)
    marks = [match.end() for match in MARK.finditer(file.data) if _starts(file.data, match)]
    if not marks:
        raise UnreadableError("damaged, or not a mailbox: no message begins in it")
    ends = [file.data.rindex(b"From ", 0, mark) for mark in marks[1:]] + [len(file.data)]
    for number, (start, end) in enumerate(zip(marks, ends, strict=True), 1):
        try:
            message = _parsed(file.data[start:end])
            text, title, items = _message(file, message, limits)
        except UnreadableError as error:
            yield Skipped(file.source, f"message {number}: {error}")
            continue
        except _BROKEN as error:
            yield Skipped(file.source, f"message {number}: broken ({type(error).__name__})")
            continue
        yield record_document(file, f"message {number}", title, text, {"format": "mbox"})
        yield from items
        yield from _attachments(message, members, f"message {number}/")
    yield from members.notes()


def _starts(data: bytes, mark: re.Match[bytes]) -> bool:
    """Whether a line with "From" starts a message: an empty line stands before it."""
    before = data[: mark.start()] if mark.start() < 4 else data[mark.start() - 4 : mark.start()]
    return mark.start() == 0 or before.replace(b"\r", b"").endswith(b"\n\n")


def _parsed(data: bytes) -> EmailMessage:
    return BytesParser(EmailMessage, policy=policy.default).parsebytes(data)


def _message(file: RawFile, message: EmailMessage, limits: Limits) -> tuple[str, str, list[Item]]:
    body = message.get_body(("plain", "html"))
    text, items = _text(file, body, limits) if body is not None else ("", [])
    names = [name for name, part in _attached(message) if not _is_unread(part)]
    if not text.strip() and not names:
        raise UnreadableError("no text in the message")
    heads = [f"{name}: {message[name]}" for name in _SHOWN if message[name]]
    heads += [f"Attachments: {', '.join(names)}"] if names else []
    title = " ".join(str(message["Subject"] or "").split())
    return "\n\n".join(filter(None, ["\n".join(heads), text])), title, items


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


def _attachments(message: EmailMessage, members: Members, folder: str) -> Iterator[Item]:
    for name, part in _attached(message):
        if part.get_content_subtype() in _SIGNATURES:
            members.left_out[ATTACHMENTS] += 1
            continue
        try:
            data = _content(part)
        except _BROKEN as error:
            yield members.skipped(f"{folder}{name}", f"broken ({type(error).__name__})")
            continue
        members.take(len(data))
        unread = ATTACHMENTS if _is_unread(part) else ""
        yield from members.read(f"{folder}{name}", data, unless_known=unread)


def _attached(message: EmailMessage) -> list[tuple[str, Message]]:
    """The attachments by their names, each of its own."""
    found: dict[str, Message] = {}
    for number, part in enumerate(message.iter_attachments(), 1):
        name = safe_name(" ".join((part.get_filename() or "").split())) or _made_up(part, number)
        while name in found:
            name = f"{number} {name}"
        found[name] = part
    return list(found.items())


def _made_up(part: Message, number: int) -> str:
    kind = part.get_content_type()
    suffix = ".eml" if kind == "message/rfc822" else mimetypes.guess_extension(kind) or ""
    return f"attachment {number}{suffix}"


def _content(part: Message) -> bytes:
    payload = part.get_payload()
    if isinstance(payload, list):  # a message
        return b"".join(inner.as_bytes() for inner in payload[:1] if isinstance(inner, Message))
    data = part.get_payload(decode=True)
    return data if isinstance(data, bytes) else b""


def _is_unread(part: Message) -> bool:
    """Whether it's a picture, a sound or a signature, of which nobody expects text."""
    return part.get_content_maintype() in _UNREAD or part.get_content_subtype() in _SIGNATURES
