"""How many words OCR reads right, of typed PDFs whose pages are made pictures.

    python tests/benchmarks/ocr_words.py FILE.pdf… [--dpi 200] [--pages 2]

Each file's first pages are read by their text, then drawn as a scanner sees them and read again.
Pages without text don't count.
"""

import argparse
import tempfile
from collections import Counter
from io import BytesIO
from pathlib import Path

import pypdfium2 as pdfium
from fpdf import FPDF
from words_kept import _words

from engine.documents import Document
from indexer.sources import FileReader, Limits, SourceFile


def scanned(path: Path, pages: int, dpi: int) -> tuple[bytes, bytes]:
    """The first pages as they are, and as pictures."""
    made, first = FPDF(unit="pt"), pdfium.PdfDocument.new()
    with pdfium.PdfDocument(path) as opened:
        first.import_pages(opened, list(range(min(pages, len(opened)))))
    for page in first:
        width, height = page.get_size()
        made.add_page(format=(width, height))
        picture = BytesIO()
        page.render(scale=dpi / 72, grayscale=True).to_pil().save(picture, "JPEG", quality=80)
        made.image(picture, 0, 0, width, height)
    whole = BytesIO()
    first.save(whole)
    return whole.getvalue(), bytes(made.output())


def words_of(data: bytes, reader: FileReader) -> Counter[str]:
    with tempfile.NamedTemporaryFile(suffix=".pdf") as file:
        file.write(data)
        file.flush()
        items = reader.read(SourceFile(Path(file.name), len(data)))
        return Counter(w for i in items if isinstance(i, Document) for w in _words(i.text))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--dpi", type=int, default=200)
    parser.add_argument("--pages", type=int, default=2, help="of each file")
    given = parser.parse_args()
    words = found = right = 0
    with FileReader(Limits()) as reader:
        for path in given.files:
            typed, pictures = scanned(path, given.pages, given.dpi)
            if true := words_of(typed, reader):
                read = words_of(pictures, reader)
                same = (true & read).total()
                words, found, right = words + true.total(), found + read.total(), right + same
                print(f"{same} of {true.total()}, {read.total()} read: {path}", flush=True)
    print(f"{right} of {words} words are read right, and {found - right} others are read")


if __name__ == "__main__":
    main()
