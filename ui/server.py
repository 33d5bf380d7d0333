"""The server of the page: Streamlit behind our guard, with our frame, and without the internet."""

import os
import sys
import threading
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

from starlette.middleware import Middleware
from streamlit import net_util
from streamlit.starlette import App

from ui.frame import Frame
from ui.guard import Guard
from ui.settings import PASSWORD_VARIABLE, PageSettings

PAGE = Path(__file__).with_name("page.py")
LEISURE = 5.0  # seconds for the first visitor to be served, which loading torch would hold up


def serve(settings: PageSettings, options: Mapping[str, object]) -> None:
    """Serve the page behind its guard until interrupted."""
    stay_offline()
    # An address that a proxy names is believed only of proxies that the operator names here: any
    # other sender would choose the address by which wrong passwords are counted.
    os.environ.setdefault("FORWARDED_ALLOW_IPS", "")
    password = os.environ.get(PASSWORD_VARIABLE, "")
    guard = Middleware(Guard, password=password, uploads=settings.uploads)
    sys.argv = [str(PAGE), *settings.to_arguments()]  # where Streamlit takes a page's words from
    ahead = threading.Timer(LEISURE, open_ahead, [settings])
    ahead.daemon = True
    ahead.start()
    App(PAGE, middleware=[guard, Middleware(Frame)]).run(config=options)


def open_ahead(settings: PageSettings) -> None:
    """Load the pages, with torch, and the first model, so that the first visitor waits less."""
    import_module("ui.pages").open_ahead(settings)


def stay_offline() -> None:
    """Keep Streamlit from asking a server on the internet for this machine's address.

    It does so when a request names a host that it doesn't know, and no option prevents it.
    """
    net_util.get_external_ip = lambda: None
