"""Notebooks, reStructuredText, Org, subtitles and source code: their text, without their markup."""

import json
from typing import Any

import pytest

from engine.documents import Document
from indexer.readers import formats
from indexer.readers.formats import format_of, reader_of
from indexer.readers.limits import Limits
from indexer.readers.outcome import Item, LeftOut, RawFile, UnreadableError


def items(text: str, suffix: str) -> list[Item]:
    data = text.encode()
    return list(reader_of(format_of(suffix, data))(RawFile(f"f{suffix}", "f", data), Limits()))


def document(text: str, suffix: str) -> Document:
    (found,) = (item for item in items(text, suffix) if isinstance(item, Document))
    return found


def left_out(text: str, suffix: str) -> dict[str, int]:
    return {one.what: one.count for one in items(text, suffix) if isinstance(one, LeftOut)}


def headings(found: Document) -> list[str | None]:
    return [section.heading for section in found.sections]


def notebook(*cells: dict[str, Any]) -> str:
    return json.dumps({"nbformat": 4, "cells": cells})


def printed(**data: str) -> dict[str, Any]:
    named = {name.replace("_", "/", 1): text for name, text in data.items()}
    return {"output_type": "execute_result", "data": named}


def test_a_notebook_is_its_cells_with_what_the_code_printed() -> None:
    stream = {"output_type": "stream", "text": ["\x1b[31mlit\x1b[0m\n", "in 1872\n"]}
    broken = {"output_type": "error", "ename": "OilError", "evalue": "none left", "traceback": []}
    table = "<table><tr><th>Day</th><th>Oil</th></tr><tr><td>Mon</td><td>9</td></tr></table>"
    outputs = [stream, broken, printed(text_plain="Day Oil", text_html=table)]
    outputs.append(printed(image_png="AAAA", text_plain="<Figure>"))
    written = notebook(
        {"cell_type": "markdown", "source": ["# The *lamp*\n", "Old."]},
        {"cell_type": "code", "source": "# no heading\nlight()", "outputs": outputs},
        {"cell_type": "markdown", "source": "## Oil\n\n| a | b |\n| - | - |\n| 1 | 2 |"},
    )
    found = document(written, ".ipynb")
    assert found.title == "The lamp"
    assert headings(found) == ["The lamp", "Oil"]
    assert found.text == (
        "# The *lamp*\nOld.\n\n```\n# no heading\nlight()\n```\n\n```\nlit\nin 1872\n```\n\n"
        "OilError: none left\n\nDay; Oil\n\nDay: Mon; Oil: 9\n\n"
        "## Oil\n\n| a | b |\n\n- a: 1; b: 2"
    )
    assert left_out(written, ".ipynb") == {"pictures": 1, "traces of errors": 1}


def test_notebooks_of_old_versions_are_read() -> None:
    cells = [
        {"cell_type": "heading", "level": 2, "source": "Lamps"},
        {"cell_type": "code", "input": "1", "outputs": [{"output_type": "pyout", "text": "one"}]},
    ]
    written = json.dumps({"nbformat": 3, "worksheets": [{"cells": cells}]})
    assert document(written, ".ipynb").text == "## Lamps\n\n```\n1\n```\n\n```\none\n```"


@pytest.mark.parametrize("text", ["{}", "[]", "{", '{"cells": 7}', '{"nbformat": 4, "cells": {}}'])
def test_what_is_no_notebook_is_refused(text: str) -> None:
    with pytest.raises(UnreadableError, match="notebook"):
        items(text, ".ipynb")


RST = """
Lamps
=====

.. toctree::

   other

With :class:`~oil.Wick` and :ref:`the oil <oil>`, see `here <http://a.b>`_ and [1]_.

.. versionadded:: 1.2
   The *lamp*.

.. include:: /etc/passwd
.. raw:: html

   <b>not this</b>

.. code-block:: python
   :caption: Lighting

   light(1)

.. hidden

Hours
-----

==== =====
Day  Hours
==== =====
Mon  9
Tue  10
==== =====

.. [1] A note.

1. one

Wick
  Burns.
"""


def test_restructured_text_is_what_its_page_shows() -> None:
    found = document(RST, ".rst")
    assert found.title == "Lamps"
    assert found.text == "\n\n".join(
        ["Lamps", "With Wick and the oil, see here and [1].", "New in version 1.2 The lamp.",
         "Lighting", "light(1)", "Hours", "Day; Hours", "Day: Mon; Hours: 9", "Day: Tue; Hours: 10",
         "[1] A note.", "1. one", "Wick: Burns."]
    )  # fmt: skip
    assert headings(found)[:2] == ["Lamps", "Hours"]
    assert left_out(RST, ".rst") == {"comments": 1, "files and markup brought in": 2}


@pytest.mark.parametrize(
    "text",
    [
        ".. include:: /etc/passwd",
        ".. csv-table::\n   :file: /etc/passwd",
        ".. raw:: html\n   :file: /etc/passwd",
        ".. literalinclude:: /etc/passwd",
        ".. parsed-literal::\n   :file: /etc/passwd\n\n   x",
    ],
)
def test_restructured_text_brings_in_no_file(text: str) -> None:
    assert "root:" not in document(f"Lamp.\n\n{text}\n", ".rst").text


def test_faulty_restructured_text_is_kept() -> None:
    found = document(
        "===\na b\n===\nx *y\n\n.. image::\n\nSee oil_ and |wick| and `x`:odd:.\n", ".rst"
    )
    for words in ("a b", "x *y", "oil_", "|wick|", "x."):
        assert words in found.text


ORG = """#+TITLE: Lamps of /old/
# hidden
Preface with [[http://a.b][a link]], *bold* =code= and a/b/c.
* TODO [#A] The lamp :oil:
DEADLINE: <2026-03-03 Tue>
:PROPERTIES:
:ID: 12
:END:
| Day | Hours |
|-----+-------|
| Mon | 9     |
| Tue | 10    |
** Code
#+BEGIN_SRC python
,* x[[1]] = *2*
#+END_SRC
#+INCLUDE: "/etc/passwd"
- wick :: burns
"""


def test_org_is_read_without_its_markup() -> None:
    found = document(ORG, ".org")
    assert found.title == "Lamps of old"
    assert found.text.split("\n\n") == [
        "Preface with a link, bold code and a/b/c.", "TODO The lamp", "Deadline: 2026-03-03",
        "Day; Hours", "Day: Mon; Hours: 9", "Day: Tue; Hours: 10", "Code", "* x[[1]] = *2*",
        "- wick: burns",
    ]  # fmt: skip
    assert headings(found)[-1] == "Code"
    assert left_out(ORG, ".org") == {"comments": 1, "drawers": 1}


VTT = """WEBVTT

NOTE hidden

00:01.000 --> 00:00:04.000 align:start
<v Dora Reed>The lamp &amp; the <i>oil</i>
were <c.yellow>lit</c> in

00:04.000 --> 00:06.000
were lit in
1872 by <00:00:05.000><c>me.</c>

01:10:34.000 --> 01:10:36.000
Later.
"""


def test_subtitles_are_sentences_at_times() -> None:
    found = document(VTT, ".vtt")
    assert found.text == "Dora Reed: The lamp & the oil were lit in 1872 by me.\n\nLater."
    assert headings(found) == ["00:00:01", "01:10:34"]
    assert found.metadata["format"] == "vtt"


def test_subtitles_of_subrip_part_after_half_a_minute_at_a_sentence() -> None:
    cues = [
        f"{n + 1}\r\n00:00:{4 * n:02},000 --> 00:00:{4 * n + 4:02},000\r\n"
        f"<b>Lamp {n}</b>{end}\r\n\r\n"
        for n, end in enumerate(["", "", ".", "", "", "", "", "", ",", ".", "", ""])
    ]
    found = document("".join(cues), ".srt")
    assert found.text.split("\n\n") == [
        "Lamp 0 Lamp 1 Lamp 2. Lamp 3 Lamp 4 Lamp 5 Lamp 6 Lamp 7 Lamp 8, Lamp 9.",
        "Lamp 10 Lamp 11",
    ]
    assert headings(found) == ["00:00:00", "00:00:40"]


def test_remarks_and_drawings_of_subtitles_are_left_out() -> None:
    events = [
        "Dialogue: 0,0:00:01.00,0:00:02.00,Default,Reed,0,0,0,,{\\i1}Lit\\Nin 1872.",
        "Comment: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,hidden",
        "Dialogue: 0,0:00:03.00,0:00:04.00,Default,,0,0,0,,{\\p1}m 0 0 l 1 1{\\p0}",
    ]
    names = "Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text"
    written = "[Script Info]\n\n[Events]\nFormat: " + names + "\n" + "\n".join(events)
    assert document(written, ".ass").text == "Reed: Lit in 1872."
    assert left_out(written, ".ass") == {"remarks and drawings": 2}


def test_times_of_fewer_digits_are_read() -> None:
    written = "WEBVTT\n\na/1-0\n0:0:3.5 --> 0:0:7.23\n<v Dora>Lit.</v>\n"
    found = document(written, ".vtt")
    assert (found.text, headings(found)) == ("Dora: Lit.", ["00:00:03"])


def test_subtitles_without_cues_are_refused() -> None:
    with pytest.raises(UnreadableError, match="no subtitles"):
        items("Only words.", ".srt")


CODE = '''"""Lamps."""

import oil


# How to light one.
@once
def light(wick):
    """A type of lamp."""
    return oil - wick


class Lamp:
    def out(self): ...
'''


def test_source_code_is_the_file_cut_at_definitions_with_the_comments_above_them() -> None:
    found = document(CODE, ".py")
    assert found.text == CODE
    assert headings(found) == [None, "def light", "def out"]
    assert found.text[found.sections[1].start :].startswith("# How to light one.\n@once\ndef")


@pytest.mark.parametrize(
    ("suffix", "line", "heading"),
    [
        (".go", "func (l *Lamp) Light(oil int) error {", "func (l *Lamp) Light"),
        (".rs", "pub(crate) async fn light<T>(oil: T) {", "fn light"),
        (".java", "public abstract class Lamp extends Light {", "class Lamp"),
        (".ts", "export default interface Lamp {", "interface Lamp"),
        (".sql", "CREATE TABLE lamps (", "TABLE lamps"),
        (".toml", "[tool.lamps]", "[tool.lamps]"),
        (".rb", "  def light(oil)", "def light"),
    ],
)
def test_definitions_of_many_languages_are_found(suffix: str, line: str, heading: str) -> None:
    found = document(f"first = 1\n\n{line}\n  body\n", suffix)
    assert headings(found) == [None, heading]


@pytest.mark.parametrize("suffix", [".rst", ".org", ".py", ".srt"])
def test_what_is_pdf_by_its_bytes_is_read_as_that(suffix: str) -> None:
    assert format_of(suffix, b"%PDF-1.7\n") == "pdf"


def test_a_reader_without_its_library_names_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(formats.READERS, "org", ("readers_that_arent_there", "read"))  # type: ignore[arg-type]
    with pytest.raises(UnreadableError, match=r"reading org files needs .*'foreread\[files\]'"):
        reader_of("org")
