"""The frame of the page: what a browser shows at once, while the page's script and model load.

Streamlit's own document is empty until its script, of some megabytes, has run.
"""

import re
from pathlib import Path

import streamlit
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from ui.theme import as_css

NAME = "Foreread"
_WHAT = "Ask your documents; get the words that answer, and where they stand."
HEAD = f'<div class="fr-head"><h1>{NAME}</h1><p>{_WHAT}</p></div>'
OPENING = '<p class="fr-opening" role="status">Opening the documents and their model…</p>'
# Hidden later, and so without a heading of its own.
FRAME = f"<strong>{NAME}</strong><p>{_WHAT}</p>{OPENING}"
PATHS = ("/", "/ask", "/collection", "/history", "/document")

_DOCUMENT = Path(streamlit.__file__).with_name("static") / "index.html"
_ROOT = '<div id="root"></div>'
_SHEET = re.compile(r"<link rel=\"stylesheet\"[^>]*>")
_STYLE = Path(__file__).with_name("frame.css")


def routes(base: str) -> list[Route]:
    """What serves the frame at the addresses of the pages, below the path `base`."""
    served = framed(_DOCUMENT.read_text(encoding="utf-8"))

    def document(request: Request) -> Response:
        # Without a tag, so that a browser doesn't keep it for another version's.
        return HTMLResponse(served, headers={"Cache-Control": "no-cache"})

    prefix = f"/{base.strip('/')}" if base.strip("/") else ""
    return [Route(prefix + path, document, methods=["GET"]) for path in PATHS]


def framed(document: str) -> str:
    """Streamlit's document with the frame in it; as it is, if it isn't as it's known to be.

    The frame stands beside what Streamlit draws, and gives way to it.
    """
    if _ROOT not in document or "</head>" not in document:
        return document
    style = f"<style>{as_css()}{_STYLE.read_text(encoding='utf-8')}</style></head>"
    # Streamlit's styles come after the frame, which would wait for them and for all scripts else.
    sheets = "".join(_SHEET.findall(document))
    return (
        _SHEET.sub("", document)
        .replace("<title>Streamlit</title>", f"<title>{NAME}</title>")
        .replace("</head>", style, 1)
        .replace(_ROOT, f'<div id="fr-frame">{FRAME}</div>{sheets}{_ROOT}', 1)
    )
