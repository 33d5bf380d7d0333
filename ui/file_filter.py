"""The filter by file: a search over names, since a collection may have many thousands."""

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from ui import render
from ui.plain_words import without_common_folder
from ui.settings import PageSettings
from ui.shared_engine import open_engine
from ui.uploads import shown_source

FEW = 10  # files that are listed at once
MOST = 50  # that can be chosen together


def names(settings: PageSettings, generation: int) -> Mapping[str, str]:
    """The collection's files, sorted, each with the name that it's shown by."""
    return _names(settings.index, settings.model, generation)


def show(
    names: Mapping[str, str], chosen: Sequence[str], choose: Callable[[list[str]], None]
) -> None:
    """Show the files that are `chosen` and those found, each with a box to tick.

    `choose` is called with those that are chosen when one was ticked or not any more.
    """
    wanted = ""
    if len(names) > FEW:
        wanted = st.text_input(
            "File",
            key="find-file",
            placeholder=f"A part of the name of one of {len(names):,} files",
            max_chars=200,
        )
    else:
        st.html('<div class="fr-small">File</div>')
    matching = found(names, wanted) if wanted.strip() or len(names) <= FEW else []
    more = [path for path in matching if path not in chosen]
    with st.container(gap=None, key="files-found"):
        for path in [*chosen, *more[:FEW]]:
            _box(path, names.get(path, path), chosen, choose)
    if told := counted(len(more), wanted):
        st.html(render.status_line(told))


def found(names: Mapping[str, str], wanted: str) -> list[str]:
    """The files whose shown names have all the words."""
    words = wanted.casefold().split()
    return [path for path, name in names.items() if all(word in name.casefold() for word in words)]


def counted(matching: int, wanted: str) -> str:
    """What to say of the files that were found and aren't chosen."""
    if wanted.strip() and not matching:
        return "No other file has these words in its name."
    if matching > FEW:
        return f"The first {FEW} of {matching:,}; more words of the name leave fewer."
    return ""


def shown_names(paths: Sequence[str]) -> dict[str, str]:
    """The names of files: visitors' by themselves, others within the folder that has them all."""
    theirs = {path: shown_source(path) for path in paths}
    ours = without_common_folder([path for path in paths if theirs[path] == path])
    return {path: ours.get(path, theirs[path]) for path in paths}


def _box(path: str, name: str, chosen: Sequence[str], choose: Callable[[list[str]], None]) -> None:
    key = f"file {path}"
    st.session_state[key] = path in chosen
    others = [one for one in chosen if one != path]
    after = others if path in chosen else [*chosen, path]
    st.checkbox(
        render.name_label(name),
        key=key,
        on_change=choose,
        args=(after,),
        disabled=len(after) > MOST,
    )


@st.cache_resource(max_entries=2, show_spinner=False)
def _names(index: str, model: str | None, generation: int) -> dict[str, str]:
    """The names. `generation` is part of the cache's key: a changed index is listed anew."""
    paths = {entry.place for entry in open_engine(index, model).backend.entries()}
    return shown_names(sorted(paths))
