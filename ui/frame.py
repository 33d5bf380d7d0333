"""The frame of the page: what a browser shows at once, while the page's script and model load.

Streamlit's own document is empty until its script, of some megabytes, has run.
"""

import re
from pathlib import Path

import streamlit
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit import config

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


class Frame:
    """An ASGI middleware that serves the frame at the addresses of the pages."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        served = framed(_DOCUMENT.read_text(encoding="utf-8"))
        # Without a tag, so that a browser doesn't keep it for another version's.
        self._document = HTMLResponse(served, headers={"Cache-Control": "no-cache"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = scope["type"] == "http" and scope["method"] == "GET"
        serve = self._document if asked and _is_page(scope["path"]) else self._app
        await serve(scope, receive, send)


def _is_page(path: str) -> bool:
    base = str(config.get_option("server.baseUrlPath") or "").strip("/")
    prefix = f"/{base}" if base else ""
    return path.startswith(prefix) and path[len(prefix) :] in PATHS


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
