"""Rich Text Format: one document, its text without the markup."""

import re
from collections.abc import Iterator

from striprtf.striprtf import rtf_to_text

from engine.documents import Document
from indexer.readers.decoding import codec_of
from indexer.readers.identity import document_id
from indexer.readers.limits import Limits
from indexer.readers.outcome import Item, LeftOut, RawFile, UnreadableError

_CODE_PAGE = re.compile(rb"\\ansicpg([0-9]{1,5})")
_PICTURE = re.compile(rb"\\pict\b")
# Parts that the library takes for none of the text.
_APART = re.compile(rb"\{(?:\\\*)?\\(?:footnote|header[lrf]?|footer[lrf]?)(?![a-z])")
_SOFT_HYPHEN = "\xad"


def read(file: RawFile, limits: Limits) -> Iterator[Item]:
    """The text as one document. Raises: UnreadableError if the file isn't RTF or holds no text."""
    if not file.data.lstrip().startswith(b"{\\rtf"):
        raise UnreadableError("damaged, or not RTF")
    page = _CODE_PAGE.search(file.data)
    codec = (page and codec_of(f"cp{int(page[1])}")) or "cp1252"
    markup = _APART.sub(rb"{\\par ", file.data).decode(codec, "replace")
    text = rtf_to_text(markup, encoding=codec, errors="replace")
    yield Document(
        id=document_id(file.source),
        source=file.source,
        title=file.stem,
        text=text.replace(_SOFT_HYPHEN, "").replace("\0", ""),
        metadata={"format": "rtf"},
    )
    if pictures := len(_PICTURE.findall(file.data)):
        yield LeftOut(file.source, "pictures", pictures)
