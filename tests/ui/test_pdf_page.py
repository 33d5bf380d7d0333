"""The page of a PDF as HTML: the picture within it, and marks as shares of its size."""

from dataclasses import replace

from engine.documents import Document, Section
from indexer.pictures.messages import Picture
from ui import pdf_page

PICTURE = Picture(1400, 990, 7, ((0.25, 0.125, 0.5, 0.1875),), b"RIFF\0\0\0\0WEBP")


def test_a_mark_is_laid_over_the_picture_at_its_share() -> None:
    block = pdf_page.page_block(PICTURE, 3)
    assert '<mark style="left:25.0000%;top:12.5000%;width:25.0000%;height:6.2500%">' in block
    assert 'alt="Page 3" loading="lazy"' in block
    assert 'width="1400" height="990" src="data:image/webp;base64,UklGRgAAAABXRUJQ"' in block


def test_without_a_sure_place_the_picture_stands_alone() -> None:
    assert "<mark" not in pdf_page.page_block(replace(PICTURE, marks=()), 3)


def test_only_documents_of_pdfs_have_pages_to_be_drawn() -> None:
    document = Document("d", "a.pdf", "A", "text", (Section(0, 4, page=1),), {"format": "pdf"})
    assert pdf_page.is_offered(document)
    assert not pdf_page.is_offered(replace(document, metadata={"format": "docx"}))
    assert not pdf_page.is_offered(replace(document, metadata={}))
