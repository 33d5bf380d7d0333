"""Write the Word and PDF files of the sample collection from their sources in Markdown.

Run it from anywhere: `python data/sample/make_binaries.py`. It needs python-docx and fpdf2.
The same sources give the same bytes with the same versions of those two libraries, so that
running it again changes nothing in the repository.
"""

import zipfile
from datetime import UTC, datetime
from pathlib import Path

import docx
import fpdf

HERE = Path(__file__).resolve().parent
SOURCES = HERE / "sources"
DOCUMENTS = HERE / "documents"
WORD_FILES = ("concrete", "violin")
PDF_FILES = ("antarctica", "glass")
MADE = datetime(2026, 1, 1, tzinfo=UTC)  # a fixed date, for files that do not change
AUTHOR = "The Foreread authors"


def read_blocks(name: str) -> list[tuple[str, str]]:
    """The blocks of `sources/<name>.md` in order, as ("title" | "heading" | "text", words)."""
    kinds = (("# ", "title"), ("## ", "heading"))
    blocks = []
    for block in (SOURCES / f"{name}.md").read_text(encoding="utf-8").strip().split("\n\n"):
        for mark, kind in kinds:
            if block.startswith(mark):
                blocks.append((kind, block.removeprefix(mark)))
                break
        else:
            blocks.append(("text", block))
    return blocks


def write_word(name: str) -> None:
    """Write `documents/<name>.docx`."""
    document = docx.Document()
    for kind, words in read_blocks(name):
        if kind == "title":
            document.core_properties.title = words
            document.add_heading(words, level=0)
        elif kind == "heading":
            document.add_heading(words, level=1)
        else:
            document.add_paragraph(words)
    properties = document.core_properties
    properties.author = properties.last_modified_by = AUTHOR
    properties.comments = ""
    properties.created = properties.modified = MADE.replace(tzinfo=None)
    path = DOCUMENTS / f"{name}.docx"
    document.save(str(path))
    fix_zip_dates(path)


def fix_zip_dates(path: Path) -> None:
    """Write the zip file again with one fixed date on every member."""
    with zipfile.ZipFile(path) as archive:
        members = [(member.filename, archive.read(member)) for member in archive.infolist()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for filename, content in members:
            member = zipfile.ZipInfo(filename, MADE.timetuple()[:6])
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, content)


class NumberedPages(fpdf.FPDF):
    """Pages with their number at the foot, as printed papers have."""

    def footer(self) -> None:
        self.set_y(-15)
        self.set_font("Helvetica", size=9)
        self.cell(0, 10, f"Page {self.page_no()}", align="C")


def write_pdf(name: str) -> None:
    """Write `documents/<name>.pdf`; no paragraph is broken by the end of a page."""
    pdf = NumberedPages(format="A4")
    pdf.set_creation_date(MADE)
    pdf.set_author(AUTHOR)
    pdf.set_lang("en")
    pdf.set_margins(25, 25)
    pdf.set_auto_page_break(True, margin=25)
    pdf.add_page()
    fonts = {"title": ("B", 18, 9), "heading": ("B", 13, 7), "text": ("", 11, 5.5)}
    for kind, words in read_blocks(name):
        style, size, line_height = fonts[kind]
        if kind == "title":
            pdf.set_title(words)
        if kind == "heading" and pdf.will_page_break(6 * line_height):
            pdf.add_page()  # a heading stays with what it is the heading of
        pdf.set_font("Helvetica", style=style, size=size)
        with pdf.unbreakable() as block:
            block.multi_cell(0, line_height, words, align="L", new_x="LMARGIN", new_y="NEXT")
        pdf.ln(3)
    pdf.output(str(DOCUMENTS / f"{name}.pdf"))


if __name__ == "__main__":
    for word_file in WORD_FILES:
        write_word(word_file)
    for pdf_file in PDF_FILES:
        write_pdf(pdf_file)
