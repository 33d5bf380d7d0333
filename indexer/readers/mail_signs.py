"""How the bytes of mail are told from those of other texts."""

import re

_FIELD = re.compile(rb"([A-Za-z][A-Za-z0-9-]*):[ \t]")
_OF_MAIL = frozenset([b"mime-version", b"message-id", b"received", b"return-path", b"content-type"])
MARK = re.compile(rb"^From [^\r\n]*\r?\n", re.MULTILINE)  # the line before a message of an mbox


def looks_like_mail(data: bytes) -> bool:
    """Whether the bytes start with the headers of a message, some of which only programs write."""
    names = set()
    for line in data[:8192].lstrip(b"\xef\xbb\xbf").splitlines():
        if found := _FIELD.match(line):
            names.add(found[1].lower())
        elif not line.startswith((b" ", b"\t")):
            break
    return b"from" in names and len(names) >= 3 and bool(names & _OF_MAIL)


def looks_like_mbox(data: bytes) -> bool:
    mark = MARK.match(data)
    return mark is not None and looks_like_mail(data[mark.end() :])
