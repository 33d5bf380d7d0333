"""Scanned pages and pictures: read by Tesseract where it is, and told of where it isn't."""

import shutil
import subprocess
import sys
import time
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pypdfium2 as pdfium
import pytest
from fpdf import FPDF
from PIL import Image

from engine.documents import Document
from indexer.readers import image, pdf
from indexer.readers.formats import format_of
from indexer.readers.limits import Limits
from indexer.readers.ocr.lines import segments
from indexer.readers.ocr.tesseract import Word
from indexer.readers.outcome import Item, RawFile, Skipped, UnreadableError, Warned
from indexer.sources import FileReader, SourceFile

WORDS = "The lamp of the harbour was lit in 1872 by Dora Reed."
needs_tesseract = pytest.mark.skipif(not shutil.which("tesseract"), reason="no Tesseract here")


def typed(*pages: str) -> bytes:
    made = FPDF(unit="pt", format=(500, 300))
    made.set_font("helvetica", size=14)
    for words in pages:
        made.add_page()
        made.multi_cell(0, 18, words)
    return bytes(made.output())


def seen(words: str) -> Image.Image:
    """A page with the words as a scanner sees it."""
    with pdfium.PdfDocument(typed(words)) as opened:
        picture: Image.Image = opened[0].render(scale=3).to_pil()
        return picture.convert("RGB")


def scanned(*pages: str | None) -> bytes:
    """A PDF of pictures of pages; None is a page that is typed."""
    made = FPDF(unit="pt", format=(500, 300))
    made.set_font("helvetica", size=14)
    for words in pages:
        made.add_page()
        if words is None:
            made.multi_cell(0, 18, "These words are typed.")
        else:
            made.image(BytesIO(saved(seen(words), "PNG")), 0, 0, 500, 300)
    return bytes(made.output())


def saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    file = BytesIO()
    picture.save(file, kind, **options)  # type: ignore[arg-type]
    return file.getvalue()


def read_pdf(data: bytes, limits: Limits | None = None) -> list[Item]:
    return list(pdf.read(RawFile("f.pdf", "f", data), limits or Limits()))


def read_image(data: bytes, limits: Limits | None = None) -> list[Item]:
    return list(image.read(RawFile("f.png", "f", data), limits or Limits()))


@needs_tesseract
def test_pages_without_text_are_read_and_others_are_not() -> None:
    (found,) = read_pdf(scanned(WORDS, None))
    assert isinstance(found, Document)
    assert found.text == f"{WORDS}\n\nThese words are typed."
    assert [section.page for section in found.sections] == [1, 2]
    assert found.metadata == {"format": "pdf", "pages": 2, "ocr_pages": 1}


@needs_tesseract
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP", "BMP", "GIF"])
def test_a_picture_is_read(kind: str) -> None:
    data = saved(seen(WORDS), kind)
    assert format_of(f".{kind.lower()}", data) == "image"
    (found,) = read_image(data)
    assert isinstance(found, Document)
    assert found.text == WORDS
    assert found.metadata == {"format": "image", "ocr_pages": 1}


@needs_tesseract
def test_pictures_are_read_as_they_are_looked_at() -> None:
    clear = seen(WORDS).convert("L").point(lambda level: 255 - level)
    letters = Image.merge("LA", (Image.new("L", clear.size, 0), clear))  # black, on nothing
    turned = seen(WORDS).rotate(90, expand=True)
    exif = Image.Exif()
    exif[0x112] = 6  # to be turned to the right
    deep = Image.fromarray(np.asarray(seen(WORDS).convert("L")).astype(np.uint16) * 256)
    small = seen(WORDS).resize((750, 450))
    for data in (
        saved(letters, "PNG"),
        saved(turned, "JPEG", exif=exif),
        saved(deep, "PNG"),
        saved(small, "PNG"),
    ):
        (found,) = read_image(data)
        assert isinstance(found, Document)
        assert found.text == WORDS


@needs_tesseract
def test_each_page_of_a_tiff_file_is_read() -> None:
    pages = [seen("One lamp."), seen("Two lamps.")]
    (found,) = read_image(saved(pages[0], "TIFF", save_all=True, append_images=pages[1:]))
    assert isinstance(found, Document)
    assert found.text == "One lamp.\n\nTwo lamps."
    assert [section.page for section in found.sections] == [1, 2]


@needs_tesseract
def test_what_there_is_no_time_for_is_named_and_the_rest_kept() -> None:
    warned, found = read_pdf(scanned(WORDS, None, WORDS), Limits(seconds=0.01))
    assert warned == Warned("f.pdf", "pages 1, 3 not read: OCR took too long (--max-seconds)")
    assert isinstance(found, Document)
    assert found.text == "These words are typed."
    with pytest.raises(UnreadableError, match=r"OCR took too long \(--max-seconds\)"):
        read_image(saved(seen(WORDS), "PNG"), Limits(seconds=0.01))


@needs_tesseract
def test_a_picture_without_text_is_refused() -> None:
    with pytest.raises(UnreadableError, match="no text found on the picture"):
        read_image(saved(Image.new("RGB", (400, 400), "white"), "PNG"))
    with pytest.raises(UnreadableError, match="OCR finds no words either"):
        read_pdf(scanned(""))


@needs_tesseract
def test_a_language_that_isnt_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOREREAD_OCR", "tlh")
    skipped, _ = read_pdf(scanned(WORDS, None))
    assert isinstance(skipped, Skipped)
    assert skipped.reason.startswith("page 1: Tesseract failed: ")


@needs_tesseract
@pytest.mark.parametrize("data", [b"\x89PNG\r\n\x1a\n", b"no picture", b"GIF89a\xff\xff\xff\xff"])
def test_damaged_pictures_are_refused(data: bytes) -> None:
    with pytest.raises(UnreadableError, match="a damaged picture"):
        read_image(data)


@needs_tesseract
def test_pictures_over_a_limit_are_refused() -> None:
    with pytest.raises(UnreadableError, match="too large a picture"):
        read_image(saved(Image.new("1", (20_000, 20_000)), "PNG"))
    pages = [Image.new("1", (9, 9))] * 3
    with pytest.raises(UnreadableError, match=r"3 pages, over the limit of 2 \(--max-pages\)"):
        read_image(saved(pages[0], "TIFF", save_all=True, append_images=pages[1:]), Limits(pages=2))


def test_without_tesseract_the_next_step_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    install = r"install Tesseract to have it read \(apt install tesseract-ocr\)"
    with pytest.raises(UnreadableError, match=f"a picture; {install}"):
        read_image(saved(seen(WORDS), "PNG"))
    with pytest.raises(UnreadableError, match=install):
        read_pdf(scanned(WORDS))
    warned, _ = read_pdf(scanned(WORDS, None))
    assert isinstance(warned, Warned)
    assert warned.warning == (
        "page 1 without text, perhaps scanned; "
        "install Tesseract to have it read (apt install tesseract-ocr)"
    )


def test_ocr_can_be_turned_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOREREAD_OCR", "off")
    with pytest.raises(UnreadableError, match=r"OCR is turned off \(FOREREAD_OCR\)"):
        read_image(saved(seen(WORDS), "PNG"))
    with pytest.raises(UnreadableError, match="run OCR on it first"):
        read_pdf(scanned(WORDS))


def test_words_on_a_line_are_one_segment_up_to_a_wide_gap() -> None:
    line = ("1", "1", "1")
    words = [
        Word("Mon", line, 100, 200, 60, 20),
        Word("to", line, 166, 200, 30, 20),
        Word("Fri", line, 400, 202, 50, 20),
    ]
    first, second = segments(words, scale=2.0, height=500.0)
    assert (first.text, first.left, first.right) == ("Mon to", 50.0, 98.0)
    assert (second.text, second.left, second.right) == ("Fri", 200.0, 225.0)
    assert first.baseline == second.baseline == 390.0
    assert first.size == 12.0


@needs_tesseract
def test_pictures_are_read_in_the_reading_process_and_in_archives(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(2):
            archive.writestr(f"{number}.png", saved(seen(f"{WORDS} {number}"), "PNG"))
        archive.writestr("empty.png", saved(Image.new("L", (9, 9)), "PNG"))
    with FileReader(Limits()) as reader:
        read = list(reader.read(SourceFile(path, path.stat().st_size)))
    assert [getattr(item, "text", None) or getattr(item, "reason", None) for item in read] == [
        f"{WORDS} 0", f"{WORDS} 1", "empty.png: no text found on the picture"
    ]  # fmt: skip


def test_what_a_killed_reading_process_started_ends_with_it() -> None:
    starts = (
        "import subprocess, sys; from indexer.readers.ocr.tesseract import die_with_parent\n"
        "print(subprocess.Popen(['sleep', '60'], preexec_fn=die_with_parent).pid, flush=True)\n"
        "sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", starts], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        started = Path("/proc") / parent.stdout.readline().decode().strip() / "stat"
        assert started.exists()
        parent.kill()
    for _ in range(500):
        if not started.exists() or started.read_text().split()[2] == "Z":
            return
        time.sleep(0.01)
    raise AssertionError("it still runs")
