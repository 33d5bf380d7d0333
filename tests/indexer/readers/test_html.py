"""HTML: all that a browser shows, in the order of the markup; the rest is counted."""

import pytest

from engine.documents import Document
from indexer.readers import html
from indexer.readers.limits import Limits
from indexer.readers.outcome import Item, LeftOut, RawFile, UnreadableError

PAGE = """<!doctype html><html><head><title>The lamp | Site</title>{head}</head><body>
<nav><a href="/">Home</a> <a href="/b">Menu of many things</a></nav>
<article><header>By the keeper</header><h1>The lamp</h1>
<p>The first <b>paragraph</b> speaks of lighthouses and of <a href="x">keepers</a>, at some
length.</p><h2>Its oil</h2>
<p>Another paragraph says that the lamp was lit in 1823 with oil from the café.</p>
<footer>Printed in Leith</footer></article><!-- no text --><script>var hidden = "no text";</script>
<div id="comments"><p>A reply: the lamp was lit in 1824.</p></div>
<footer>14 Mill Lane, telephone 0555 718 204</footer></body></html>"""


def read(markup: str | bytes) -> list[Item]:
    data = markup if isinstance(markup, bytes) else markup.encode()
    return list(html.read(RawFile("f", "stem", data), Limits()))


def document(markup: str | bytes) -> Document:
    (found,) = (item for item in read(markup) if isinstance(item, Document))
    return found


def blocks(body: str) -> list[str]:
    return document(f"<html><body>{body}</body></html>").text.split("\n\n")


def left_out(body: str) -> dict[str, int]:
    return {item.what: item.count for item in read(body) if isinstance(item, LeftOut)}


def test_a_page_is_all_the_text_shown_with_its_footers_and_replies() -> None:
    found = document(PAGE.format(head=""))
    assert found.title == "The lamp"
    assert found.text.split("\n\n") == [
        "By the keeper",
        "The lamp",
        "The first paragraph speaks of lighthouses and of keepers, at some length.",
        "Its oil",
        "Another paragraph says that the lamp was lit in 1823 with oil from the café.",
        "Printed in Leith",
        "A reply: the lamp was lit in 1824.",
        "14 Mill Lane, telephone 0555 718 204",
    ]
    assert [section.heading for section in found.sections] == [None, "The lamp", "Its oil"]


def test_what_is_left_out_is_counted() -> None:
    assert left_out(PAGE.format(head="<style>p {}</style>")) == {
        "navigations": 1,
        "comments in the markup": 1,
        "scripts": 1,
    }
    assert left_out("<p>a</p><!--[if IE]><p>b</p><![endif]--><template>c</template>") == {
        "comments in the markup": 1,
        "templates": 1,
    }


def test_a_navigation_that_is_not_mostly_links_is_read() -> None:
    words = "The lamp was lit in 1823, and the keeper wrote it down."
    assert blocks(f"<nav><a href=/>Home</a><p>{words}</p>") == ["Home", words]


def test_a_page_that_is_nothing_but_a_navigation_is_read() -> None:
    assert blocks("<nav><ul><li><a href=a>One</a><li><a href=b>Two</a></ul></nav>") == [
        "One",
        "Two",
    ]
    assert left_out("<nav><a href=a>One</a></nav>") == {}


@pytest.mark.parametrize(
    "head",
    [
        '<meta charset="koi8-r">',
        '<meta http-equiv="Content-Type" content="text/html; charset=KOI8-R">',
        f"<script>{'x = 1;' * 2000} charset=utf-8</script><meta name=a><meta charset=koi8-r>",
        '<!-- <meta charset="utf-16"> --><meta charset = "koi8-r" />',
    ],
)
def test_a_page_is_decoded_as_it_declares_wherever_it_does(head: str) -> None:
    markup = PAGE.format(head=head).replace("é", "е").replace("Another", "Смотритель")
    found = document(markup.encode("koi8-r"))
    assert "Смотритель paragraph says" in found.text
    assert found.metadata["encoding"] == "koi8-r"


def test_the_label_of_an_xml_declaration_is_read() -> None:
    markup = '<?xml version="1.0" encoding="iso-8859-1"?>' + PAGE.format(head="")
    assert "café" in document(markup.encode("latin-1")).text


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<h2>A</h2><p>one\n<i>two</i></p><div>three<br>four</div>",
         ["A", "one two", "three\nfour"]),
        ("<ul><li>a<li>b<ul><li>c</ul></ul>", ["a", "b", "c"]),
        ('<ol start="3"><li>a<li value="9">b</ol>', ["3. a", "9. b"]),
        ("<dl><dt>Director<dd>Hollis<dt>Staff:<dd>Ito<dd>Ray</dl>",
         ["Director: Hollis", "Staff: Ito", "Ray"]),
        ("<dl><div><dt>Term<dd><p>one<p>two</div></dl>", ["Term: one", "two"]),
        ("<pre>a  b\n  <b>c</b>\n</pre>", ["a  b\n  c"]),
        ("<details><summary>More</summary>Hidden at first</details>", ["More", "Hidden at first"]),
        ("<figure><img alt='A lamp'><figcaption>Fig. 1</figcaption></figure>",
         ["A lamp", "Fig. 1"]),
        ("<noscript>Without scripts</noscript>", ["Without scripts"]),
        ('<iframe srcdoc="&lt;p&gt;In a frame">not this</iframe>', ["In a frame"]),
        ("<input value=Kept><input type=hidden value=x><textarea>Also\nkept</textarea>",
         ["Kept", "Also\nkept"]),
        ("<select><optgroup label=Fish><option>Cod<option>Eel</select>", ["Fish", "Cod", "Eel"]),
        ("<ruby>漢<rt>かん</rt></ruby> <ruby>字<rp>(</rp><rt>じ</rt><rp>)</rp></ruby>",
         ["漢(かん) 字(じ)"]),
        ("&amp; &eacute; &#x20AC; a&nbsp;b", ["& é € a b"]),
        ("10<sup>6</sup> m<sup>2</sup> H<sub>2</sub>O", ["10^6 m2 H2O"]),
        ("<a href=a>One</a><a href=b>Two</a><button aria-label=Close></button>", ["One Two Close"]),
        ("<math><msup><mi>x</mi><mn>2</mn></msup><mo>=</mo><mfrac><mi>a</mi><mn>3</mn></mfrac></math>",
         ["x^2=a/3"]),
        ("<q>Yes</q>, she said", ["“Yes”, she said"]),
        ("<svg><text>drawn</text></svg>", ["drawn"]),
        ("<my-card>Custom</my-card><my-card>parts</my-card>", ["Custom", "parts"]),
        ("<p>before</p></body></html><p>after the end", ["before", "after the end"]),
        ("<blockquote>Said<footer>Hollis</footer></blockquote>", ["Said", "Hollis"]),
    ],
)  # fmt: skip
def test_words_are_kept_apart_and_none_is_lost(body: str, expected: list[str]) -> None:
    assert blocks(body) == expected


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        ("<tr><th>Day<th>Hours<tr><td>Monday<td><ul><li>9 to 12<li>14 to 17</ul>",
         ["Day; Hours", "Day: Monday; Hours: 9 to 12, 14 to 17"]),
        ("<thead><tr><th>Day<th>Hours</thead><tr><td rowspan=2>Monday<td>9 to 12<tr><td>14 to 17",
         ["Day; Hours", "Day: Monday; Hours: 9 to 12", "Day: Monday; Hours: 14 to 17"]),
        ("<tr><th>Name<th colspan=2>Phone<tr><td>Aiko<td>0119<td>0120",
         ["Name; Phone", "Name: Aiko; Phone: 0119; Phone: 0120"]),
        ("<tr><th>Director<td>Hollis<tr><th>Founded<td>1908",
         ["Director: Hollis", "Founded: 1908"]),
        ("<caption>Staff</caption><tr><th>Name<th>Room<tr><td>Aiko<br>Tanabe<td>12",
         ["Staff", "Name; Room", "Name: Aiko Tanabe; Room: 12"]),
        ("<tr><td>Left<table><tr><th>Day<th>Hours<tr><td>Monday<td>9</table>",
         ["Left", "Day; Hours", "Day: Monday; Hours: 9"]),
        ("<tr>stray<td>in a cell", ["stray", "in a cell"]),
    ],
)  # fmt: skip
def test_cells_stand_with_the_names_of_their_columns(table: str, rows: list[str]) -> None:
    assert blocks(f"<table>{table}</table>") == rows


def test_a_page_without_text_is_refused() -> None:
    for markup in ("<html><body></body></html>", "<!-- nothing -->"):
        with pytest.raises(UnreadableError, match="no text found in the page"):
            read(markup)
