"""Files inside files: archives as folders, and what is attached to mail."""

import io
import tarfile
import zipfile
from email.message import EmailMessage

import pytest

from engine.documents import Document
from indexer.readers.checked import read_checked
from indexer.readers.formats import format_of, reader_of
from indexer.readers.identity import document_id
from indexer.readers.limits import Limits
from indexer.readers.outcome import Item, LeftOut, RawFile, Skipped, UnreadableError

LAMP, BELL = b"The lamp was lit in 1872.", b"The bell rings at noon."
TABLE = b"Name,Phone\nAiko Tanabe,555-0119\nRay Ito,555-0120\n"


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return made.getvalue()


def tarred(members: dict[str, bytes], mode: str = "w") -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode=mode) as archive:  # type: ignore[call-overload]
        for name, data in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return made.getvalue()


def read(data: bytes, name: str, limits: Limits | None = None) -> list[Item]:
    stem, dot, suffix = name.rpartition(".")
    reader = reader_of(format_of(f"{dot}{suffix}", data))
    return list(reader(RawFile(name, stem, data), limits or Limits()))


def texts(items: list[Item]) -> dict[str, str]:
    """The texts of the documents by where they are cited."""
    return {
        f"{item.fields['path']} {item.metadata.get('record', '')}".strip(): item.text
        for item in items
        if isinstance(item, Document)
    }


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (zipped({"a/lamp.txt": LAMP, "staff.csv": TABLE}), "f.zip"),
        (zipped({"a/lamp.txt": LAMP, "staff.csv": TABLE}, zipfile.ZIP_LZMA), "f.docx"),
        (tarred({"./a/lamp.txt": LAMP, "staff.csv": TABLE}), "f.tar"),
        (tarred({"a/lamp.txt": LAMP, "staff.csv": TABLE}, "w:gz"), "f.tar.gz"),
        (tarred({"a/lamp.txt": LAMP, "staff.csv": TABLE}, "w:xz"), "f"),
        (tarred({"a/lamp.txt": LAMP, "staff.csv": TABLE}, "w:bz2"), "f.txt"),
    ],
)
def test_the_files_of_an_archive_are_read_as_those_of_a_folder(data: bytes, name: str) -> None:
    if name == "f.docx":  # which it says it is, and isn't
        with pytest.raises(UnreadableError, match="not a Word document"):
            read(data, name)
        return
    items = read(data, name)
    assert texts(items) == {
        f"{name}/a/lamp.txt": LAMP.decode(),
        f"{name}/staff.csv row 2": "Name: Aiko Tanabe; Phone: 555-0119",
        f"{name}/staff.csv row 3": "Name: Ray Ito; Phone: 555-0120",
    }
    lamp = next(item for item in items if isinstance(item, Document))
    assert (lamp.source, lamp.title, lamp.metadata["member"]) == (name, "lamp", "a/lamp.txt")
    assert lamp.id == document_id(name, "a/lamp.txt\0")


def test_the_same_record_in_two_members_is_two_documents() -> None:
    items = read(zipped({"a.csv": TABLE, "b/a.csv": TABLE}), "f.zip")
    assert len({item.id for item in items if isinstance(item, Document)}) == 4


def test_archives_in_archives_are_read_to_a_depth() -> None:
    data = zipped({"lamp.txt": LAMP})
    for number in range(6):
        data = zipped({f"{number}.zip": data, "bell.txt": BELL})
    items = read(data, "f.zip")
    assert list(texts(items).values()) == [BELL.decode()] * 5
    (skipped,) = (item for item in items if isinstance(item, Skipped))
    assert skipped.reason == (
        "5.zip: 4.zip: 3.zip: 2.zip: 1.zip: over 5 files in each other; unpack the outer one"
    )


def test_what_would_lead_out_is_hidden_or_is_no_file_is_not_read() -> None:
    made = io.BytesIO(zipped({"../out.txt": LAMP, "a/.git/x": LAMP, "__MACOSX/._a.txt": LAMP}))
    with zipfile.ZipFile(made, "a") as archive:
        link = zipfile.ZipInfo("link.txt")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("/absolute.txt", BELL)
    items = read(made.getvalue(), "f.zip")
    assert texts(items) == {"f.zip/absolute.txt": BELL.decode()}
    assert [item for item in items if not isinstance(item, Document)] == [
        Skipped("f.zip", "../out.txt: its path leads out of the archive, or is too long"),
        LeftOut("f.zip", "hidden files", 2),
        LeftOut("f.zip", "links", 1),
    ]


def test_links_and_devices_of_a_tar_are_not_read() -> None:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, kind in {
            "l": tarfile.SYMTYPE,
            "h": tarfile.LNKTYPE,
            "d": tarfile.CHRTYPE,
        }.items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = kind, "/etc/passwd"
            archive.addfile(entry)
    assert read(made.getvalue(), "f.tar") == [
        Skipped("f.tar", "d: not a regular file"),
        LeftOut("f.tar", "links", 2),
    ]


def test_an_encrypted_or_damaged_member_costs_that_member() -> None:
    data = bytearray(zipped({"a.txt": LAMP, "b.txt": BELL * 9, "c.txt": LAMP + BELL}))
    first = data.index(b"PK\x01\x02")
    data[first + 8] |= 1  # a flag of the first in the list
    at = data.index(b"b.txt") + 12
    data[at : at + 4] = b"\xff\xff\xff\xff"
    items = read(bytes(data), "f.zip")
    assert texts(items) == {"f.zip/c.txt": (LAMP + BELL).decode()}
    assert [item.reason for item in items if isinstance(item, Skipped)] == [
        "a.txt: encrypted; unpack it with its password",
        "b.txt: damaged in the archive, or packed in an unknown way",
    ]


def test_what_an_archive_unpacks_to_is_limited_whatever_it_claims() -> None:
    bomb = zipped({"a.txt": LAMP, "b.txt": b" " * 30_000_000, "c.txt": LAMP})
    with pytest.raises(UnreadableError, match="or 200 times its size"):
        read(bomb, "f.zip")
    lying = bomb.replace((30_000_000).to_bytes(4, "little"), (9).to_bytes(4, "little"))
    assert "f.zip/c.txt" in texts(read(lying, "f.zip"))
    tar = tarred({"a.txt": b" " * 30_000_000}, "w:gz")
    with pytest.raises(UnreadableError, match="max-file-mb"):
        read(tar, "f.tgz")
    inner = zipped({f"{n}.zip": zipped({"b.txt": b"a " * 2_400_000}) for n in range(9)})
    reader = reader_of("zip")
    outer = list(read_checked(RawFile("f.zip", "f", inner), reader, Limits()))
    assert len(texts(outer)) == 4  # all that lies in it has one limit
    assert [item.reason[:24] for item in outer if isinstance(item, Skipped)] == [
        "4.zip: too large: what i", "too large: what it unpac"
    ]  # fmt: skip


def test_more_files_than_a_folder_has_are_refused() -> None:
    with pytest.raises(UnreadableError, match="over 10000 files"):
        read(zipped({f"{n}.png": b"" for n in range(10_001)}, zipfile.ZIP_STORED), "f.zip")


@pytest.mark.parametrize(
    ("name", "data"),
    [("f.zip", b"PK\x03\x04" + b"\0" * 60), ("f.tar", b"\0" * 99), ("f.tgz", b"\x1f\x8b\0\1")],
)
def test_a_damaged_archive_is_refused(name: str, data: bytes) -> None:
    with pytest.raises(UnreadableError, match="archive"):
        read(data, name)


def test_names_in_utf_8_are_read_where_the_archive_does_not_say_so() -> None:
    data = zipped({"Wärter.txt": LAMP}).replace(b"\x00\x08", b"\x00\x00")
    assert list(texts(read(data, "f.zip"))) == ["f.zip/Wärter.txt"]


def message(**attached: bytes) -> EmailMessage:
    made = EmailMessage()
    made["From"], made["Subject"], made["Message-ID"] = "ito@example.org", "Keys", "<1@b>"
    made.set_content("See below.\n")
    for name, data in attached.items():
        made.add_attachment(
            data, maintype="application", subtype="octet-stream", filename=name.replace("_", ".")
        )
    return made


def test_attachments_are_documents_of_their_own() -> None:
    mail = message(staff_csv=TABLE, lamps_zip=zipped({"a/lamp.txt": LAMP}))
    mail.add_attachment(message(bell_txt=BELL))
    mail.add_attachment(b"\x89PNG\0\0", maintype="image", subtype="png", filename="logo.png")
    items = read(mail.as_bytes(), "f.eml")
    found = texts(items)
    heads = "From: ito@example.org\nSubject: Keys\nAttachments: "
    assert found.pop("f.eml") == f"{heads}staff.csv, lamps.zip, attachment 3.eml\n\nSee below.\n"
    assert found == {
        "f.eml/staff.csv row 2": "Name: Aiko Tanabe; Phone: 555-0119",
        "f.eml/staff.csv row 3": "Name: Ray Ito; Phone: 555-0120",
        "f.eml/lamps.zip/a/lamp.txt": LAMP.decode(),
        "f.eml/attachment 3.eml": f"{heads}bell.txt\n\nSee below.\n",
        "f.eml/attachment 3.eml/bell.txt": BELL.decode(),
    }
    assert [item for item in items if not isinstance(item, Document)] == [
        LeftOut("f.eml", "attachments", 1)
    ]


def test_attachments_of_a_mailbox_are_named_by_their_message() -> None:
    mark = b"From ito@example.org Tue Mar  3 09:15:00 2026\n"
    mails = [message(bell_txt=BELL), message(bell_txt=LAMP, x_bin=b"\0\1\2")]
    items = read(b"\n".join(mark + one.as_bytes() for one in mails), "f.mbox")
    found = texts(items)
    assert [found[f"f.mbox/message {n}/bell.txt"] for n in (1, 2)] == [BELL.decode(), LAMP.decode()]
    (skipped,) = (item for item in items if isinstance(item, Skipped))
    assert skipped.reason == "message 2/x.bin: binary, not text"


def test_a_name_of_an_attachment_is_no_path() -> None:
    mail = message()
    for _ in range(2):
        mail.add_attachment(LAMP, maintype="text", subtype="plain", filename="../../etc/passwd.txt")
    assert list(texts(read(mail.as_bytes(), "f.eml")))[1:] == [
        "f.eml/attachment 1.txt", "f.eml/attachment 2.txt"
    ]  # fmt: skip


def test_what_is_only_called_a_mailbox_is_named() -> None:
    with pytest.raises(UnreadableError, match="no message begins in it"):
        read(b"Nothing of the kind.", "f.mbox")
