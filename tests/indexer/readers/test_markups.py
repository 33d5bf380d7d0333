"""RTF, mail and XML: read without their markup, whatever their names say; the rest is refused."""

import gzip
import random
from email.message import EmailMessage

import pytest

from engine.documents import Document
from indexer.readers.formats import format_of, reader_of
from indexer.readers.limits import Limits
from indexer.readers.outcome import Item, LeftOut, RawFile, Skipped, UnreadableError

RTF = (
    rb"{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0\fswiss Helvetica;}}{\colortbl;\red255\green0;}"
    rb"{\info{\author Nobody}}\uc1\pard\f0\fs24 The warden is Zo\'eb \u321?ukasz.\par He lives in "
    rb"\b the gate house\b0 .\par\trowd Day\cell Hours\cell\row{\pict\pngblip 89504e47}}"
)


def message(subject: str = "The flame sensor", html: bool = False) -> bytes:
    made = EmailMessage()
    made["From"], made["To"] = "Jörg Ito <ito@example.org>", "ray@example.org"
    made["Date"], made["Subject"] = "Tue, 03 Mar 2026 09:15:00 +0000", subject
    made["Message-ID"] = "<1@example.org>"
    if html:
        made.set_content("<p>Part <b>FS-9910</b><!-- no --></p><p>Čapek</p>", subtype="html")
    else:
        made.set_content("It is part FS-9910.\n\nRegards, Čapek\n", charset="iso-8859-2")
        made.add_alternative("<p>Not this</p>", subtype="html")
        made.add_attachment(b"\0\1", maintype="image", subtype="png", filename="a.png")
    return made.as_bytes()


def read(data: bytes, suffix: str) -> list[Item]:
    return list(reader_of(format_of(suffix, data))(RawFile(f"f{suffix}", "f", data), Limits()))


def document(data: bytes, suffix: str) -> Document:
    (found,) = (item for item in read(data, suffix) if isinstance(item, Document))
    return found


@pytest.mark.parametrize("suffix", [".rtf", ".txt", ".doc", ""])
def test_rtf_is_read_without_its_markup(suffix: str) -> None:
    found = document(RTF, suffix)
    assert found.text.split("\n")[:2] == [
        "The warden is Zoë Łukasz.",
        "He lives in the gate house.",
    ]
    assert [word in found.text for word in ("Day", "Hours", "Nobody", "Helvetica", "89504e47")] == [
        True, True, False, False, False
    ]  # fmt: skip
    assert found.metadata["format"] == "rtf"
    assert LeftOut(f"f{suffix}", "pictures", 1) in read(RTF, suffix)


def test_notes_and_running_heads_of_rtf_are_read() -> None:
    data = rb"{\rtf1{\header At the top\par}Body{\footnote A note} goes on{\footerl Below}}"
    words = document(data, ".rtf").text.split()
    assert words == ["At", "the", "top", "Body", "A", "note", "goes", "on", "Below"]


@pytest.mark.parametrize("suffix", [".eml", ".txt", ".html", ""])
def test_a_message_is_read_by_its_text_with_the_headers_that_people_read(suffix: str) -> None:
    found = document(message(), suffix)
    assert found.title == "The flame sensor"
    assert found.text.startswith("From: Jörg Ito <ito@example.org>\nTo: ray@example.org\nDate: Tue")
    assert found.text.rstrip().endswith("\n\nIt is part FS-9910.\n\nRegards, Čapek")
    assert LeftOut(f"f{suffix}", "attachments", 1) in read(message(), suffix)


def test_a_message_that_is_a_page_is_read_as_one() -> None:
    found = document(message(html=True), ".eml")
    assert found.text.endswith("\n\nPart FS-9910\n\nČapek")


@pytest.mark.parametrize("suffix", [".mbox", ".txt", ""])
def test_a_mailbox_gives_a_document_for_each_message(suffix: str) -> None:
    mark = b"From ito@example.org Tue Mar  3 09:15:00 2026\n"
    mails = [message("One"), message("Two"), b"From: a\nMessage-ID: <2@b>\nSubject: Three\n\n"]
    items = read(b"\n".join(mark + one for one in mails), suffix)
    found = [item for item in items if isinstance(item, Document)]
    assert [one.title for one in found] == ["One", "Two"]
    assert len({one.id for one in found}) == 2
    assert Skipped(f"f{suffix}", "message 3: no text in the message") in items


def test_a_memo_with_lines_like_headers_is_plain_text() -> None:
    memo = b"From: the warden\nTo: all\nSubject: keys\nDate: Monday\n\nThe gate is shut.\n"
    assert document(memo, ".txt").text == memo.decode()


@pytest.mark.parametrize("suffix", [".xml", ""])
def test_xml_is_read_by_its_elements_without_markup(suffix: str) -> None:
    data = (
        '<?xml version="1.0" encoding="koi8-r"?><a><b>Лампа <i>горит</i> ночью</b><!-- no -->'
        "<c><d>one</d><d><![CDATA[two <3]]></d></c></a>"
    ).encode("koi8-r")
    assert document(data, suffix).text == "Лампа горит ночью\n\none\n\ntwo <3"


def test_a_page_is_read_as_one_whatever_it_is_called() -> None:
    page = b"<!DOCTYPE html><html><body><p>Lit in <b>1823</b></p></body></html>"
    assert [document(page, s).text for s in (".txt", ".xml", ".html", "")] == ["Lit in 1823"] * 4


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600,
            "an old Office file or Outlook message",
        ),
        (b"PK\x03\x04" + b"\0" * 60, "a damaged zip archive"),
        (gzip.compress(random.Random(0).randbytes(900), mtime=0), "binary, not text"),
    ],
)
@pytest.mark.parametrize("suffix", [".txt", ".md", ".html", ".msg", ""])
def test_what_is_no_text_is_refused_whatever_it_is_called(
    data: bytes, reason: str, suffix: str
) -> None:
    with pytest.raises(UnreadableError, match=reason):
        read(data, suffix)
