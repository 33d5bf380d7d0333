"""Word documents: every word that Word shows, in its order, or a count of what is left out."""

import zipfile
from collections.abc import Callable
from io import BytesIO

import docx
import pytest
from word_files import STRICT, cell, field, paragraph, row, run, table, word_file

from engine.documents import Document
from indexer.readers.formats import format_of
from indexer.readers.limits import Limits
from indexer.readers.outcome import Item, LeftOut, RawFile, UnreadableError, Warned
from indexer.readers.word import reader


def items(data: bytes, limits: Limits | None = None) -> list[Item]:
    return list(reader.read(RawFile("f", "stem", data), limits or Limits()))


def document(data: bytes) -> Document:
    (found,) = (item for item in items(data) if isinstance(item, Document))
    return found


def text(body: str) -> str:
    return document(word_file(body)).text


def left_out(data: bytes) -> dict[str, int]:
    return {item.what: item.count for item in items(data) if isinstance(item, LeftOut)}


def warnings(data: bytes) -> list[str]:
    return [item.warning for item in items(data) if isinstance(item, Warned)]


def refusal(data: bytes, limits: Limits | None = None) -> str:
    with pytest.raises(UnreadableError) as caught:
        items(data, limits)
    return str(caught.value)


def saved(made: "docx.document.Document") -> bytes:
    buffer = BytesIO()
    made.save(buffer)
    return buffer.getvalue()


def test_headings_open_sections_and_the_title_is_the_paragraph_styled_so() -> None:
    made = docx.Document()
    made.add_heading("The lamp", level=0)
    made.add_paragraph("It was lit.")
    made.add_heading("Its oil", level=1)
    made.add_paragraph("")
    made.add_paragraph("It came by sea.")
    read = document(saved(made))
    assert read.title == "The lamp"
    assert read.text == "The lamp\n\nIt was lit.\n\nIts oil\n\nIt came by sea."
    assert [(s.heading, read.text[s.start : s.start + 7]) for s in read.sections] == [
        (None, "The lam"),
        ("Its oil", "Its oil"),
    ]


@pytest.mark.parametrize(
    ("style", "properties"),
    [("berschrift1", ""), ("Kapitel", ""), ("Heading1", ""), ("", '<w:outlineLvl w:val="2"/>')],
)
def test_a_heading_is_known_by_the_name_of_its_style_what_that_is_based_on_or_its_level(
    style: str, properties: str
) -> None:
    body = paragraph("Its oil", style, properties) + paragraph("It came by sea.")
    (section,) = document(word_file(body)).sections
    assert section.heading == "Its oil"


def test_without_title_or_heading_it_has_the_name_of_its_file() -> None:
    body = paragraph("Words.", properties='<w:outlineLvl w:val="9"/>')
    assert document(word_file(body)).title == "stem"


INSERTED = f'<w:ins w:id="1">{run("ninety")}</w:ins>'
REMOVED = '<w:del w:id="2"><w:r><w:delText>thirty</w:delText></w:r></w:del>'


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        (INSERTED, "ninety"),
        (REMOVED + INSERTED, "ninety"),
        (f'<w:moveTo w:id="1">{run("ninety")}</w:moveTo>', "ninety"),
        (f'<w:moveFrom w:id="1">{run("thirty")}</w:moveFrom>', ""),
        (f"<w:sdt><w:sdtPr/><w:sdtContent>{run('ninety')}</w:sdtContent></w:sdt>", "ninety"),
        (
            "<w:sdt><w:sdtContent><w:sdt><w:sdtContent>"
            f"{INSERTED}</w:sdtContent></w:sdt></w:sdtContent></w:sdt>",
            "ninety",
        ),
        (f'<w:smartTag w:element="n">{run("ninety")}</w:smartTag>', "ninety"),
        (f'<w:customXml w:element="n">{run("ninety")}</w:customXml>', "ninety"),
        (f'<w:hyperlink r:id="rId7">{run("ninety")}</w:hyperlink>', "ninety"),
        (f'<w:fldSimple w:instr="DOCVARIABLE n">{run("ninety")}</w:fldSimple>', "ninety"),
        (field(" DOCVARIABLE n ", run("ninety")), "ninety"),
        (f'<w:bdo w:val="rtl">{run("ninety")}</w:bdo>', "ninety"),
        (run("nine<!-- a comment -->ty"), "ninety"),
        ("<w:r><w:t>nine</w:t><w:softHyphen/><w:t>ty</w:t></w:r>", "ninety"),
        (run("nine\u00adty"), "ninety"),
        ("<w:r><w:t>ninety</w:t><w:noBreakHyphen/><w:t>one</w:t></w:r>", "ninety-one"),
        ("<w:r><w:t>ninety</w:t><w:tab/><w:t>one</w:t></w:r>", "ninety\tone"),
        ("<w:r><w:t>ninety</w:t><w:br/><w:t>one</w:t></w:r>", "ninety\none"),
        ('<w:r><w:sym w:font="Symbol" w:char="F062"/></w:r>', "β"),
        ('<w:r><w:sym w:font="Wingdings" w:char="F0FC"/></w:r>', "✓"),
        ('<w:r><w:sym w:font="Arial" w:char="00B0"/></w:r>', "°"),
        (run("\uf062", '<w:rFonts w:ascii="Symbol"/>'), "β"),
    ],
)
def test_what_stands_inside_a_sentence_is_read_in_its_place(inside: str, expected: str) -> None:
    assert text(paragraph(run("A notice of ") + inside + run(" days."))) == (
        f"A notice of {expected} days."
    )


@pytest.mark.parametrize(
    "around",
    [
        "<w:sdt><w:sdtPr><w:tag w:val='no'/></w:sdtPr><w:sdtContent>{}</w:sdtContent></w:sdt>",
        "<w:customXml w:element='x'><w:customXmlPr/>{}</w:customXml>",
        "<w:sdt><w:sdtContent><w:sdt><w:sdtContent>{}</w:sdtContent></w:sdt></w:sdtContent></w:sdt>",
        "<w:ins w:id='1'>{}</w:ins>",
    ],
)
def test_paragraphs_and_tables_inside_something_else_are_read_in_their_place(around: str) -> None:
    inside = paragraph("Two.") + table(row("a", "b"), row("1", "2"))
    body = paragraph("One.") + around.format(inside) + paragraph("Three.")
    assert text(body) == "One.\n\nTwo.\n\na; b\n\na: 1; b: 2\n\nThree."


def test_tracked_deletions_are_counted() -> None:
    gone = row("Lund", "2", properties='<w:del w:id="4"/>')
    body = paragraph(run("A ") + REMOVED) + table(row("City", "Year"), row("Oslo", "1"), gone)
    assert text(body) == "A\n\nCity; Year\n\nCity: Oslo; Year: 1"
    assert left_out(word_file(body)) == {"tracked deletions": 2}


def test_tracked_paragraphs_and_rows_that_were_inserted_are_read() -> None:
    new = '<w:rPr><w:ins w:id="1"/></w:rPr>'
    added = row(cell("Lund", '<w:cellIns w:id="3"/>'), "2", properties='<w:ins w:id="4"/>')
    body = paragraph(INSERTED, properties=new) + table(row("City", "Year"), added)
    assert text(body) == "ninety\n\nCity; Year\n\nCity: Lund; Year: 2"


@pytest.mark.parametrize("mark", ["del", "moveFrom"])
def test_paragraphs_whose_mark_between_was_removed_are_one(mark: str) -> None:
    removed = f'<w:rPr><w:{mark} w:id="1"/></w:rPr>'
    body = paragraph("The lamp ", "berschrift1", removed) + paragraph("was lit.") + paragraph("So.")
    assert text(body) == "The lamp was lit.\n\nSo."


def test_a_large_first_letter_belongs_to_its_word() -> None:
    body = paragraph("T", properties='<w:framePr w:dropCap="drop"/>') + paragraph("he lamp.")
    assert text(body) == "The lamp."


BOX = f"<w:txbxContent>{paragraph('Dial 4417.')}</w:txbxContent>"
NEW = f"<w:drawing><wps:wsp><wps:txbx>{BOX}</wps:txbx></wps:wsp></w:drawing>"
OLD = f"<w:pict><v:shape><v:textbox>{BOX}</v:textbox></v:shape></w:pict>"
PICTURE = "<w:drawing><wp:inline/></w:drawing>"


@pytest.mark.parametrize(
    "shape",
    [
        NEW,
        OLD,
        "<mc:AlternateContent><mc:Choice Requires='wps'>{0}</mc:Choice>"
        "<mc:Fallback>{1}</mc:Fallback></mc:AlternateContent>",
        "<mc:AlternateContent><mc:Choice Requires='wps'>{2}</mc:Choice>"
        "<mc:Fallback>{1}</mc:Fallback></mc:AlternateContent>",
        "<w:drawing><a:p><a:r><a:t>Dial 4417.</a:t></a:r></a:p></w:drawing>",
        "<w:pict><v:shape><v:textpath string='Dial 4417.'/></v:shape></w:pict>",
    ],
)
def test_the_text_of_a_shape_is_read_once_behind_its_paragraph(shape: str) -> None:
    drawn = f"<w:r>{shape.format(NEW, OLD, PICTURE)}</w:r>"
    body = paragraph(run("At ") + drawn + run("night.")) + paragraph("So.")
    assert text(body) == "At night.\n\nDial 4417.\n\nSo."


def notes(kind: str) -> str:
    single = kind.removesuffix("s")
    entries = "".join(
        f'<w:{single} w:id="{identity}">{paragraph(words)}</w:{single}>'
        for identity, words in {"2": "Paid by Lind.", "3": "Nobody asks."}.items()
    )
    apart = f'<w:{single} w:type="separator" w:id="0">{paragraph("no")}</w:{single}>'
    return f"<w:{kind}>{apart}{entries}</w:{kind}>"


@pytest.mark.parametrize("kind", ["footnotes", "endnotes"])
@pytest.mark.parametrize("has_reference", [True, False])
def test_a_note_stands_behind_the_paragraph_or_row_that_refers_to_it(
    kind: str, has_reference: bool
) -> None:
    refers = f'<w:r><w:{kind.removesuffix("s")}Reference w:id="2"/></w:r>'
    parts = {f"word/{kind}.xml": notes(kind)}
    related = {"rId3": (kind, f"{kind}.xml")} if has_reference else {}
    plain = word_file(paragraph(run("High.") + refers) + paragraph("So."), parts, related)
    assert document(plain).text == "High.\n\nPaid by Lind.\n\nSo."
    assert left_out(plain) == {"notes that nothing refers to": 1}
    rows = row("Farm", "Rate"), row("A", cell(paragraph(run("high") + refers))), row("B", "low")
    expected = "Farm; Rate\n\nFarm: A; Rate: high\n\nPaid by Lind.\n\nFarm: B; Rate: low"
    assert document(word_file(table(*rows), parts, related)).text == expected


def test_headers_stand_first_and_footers_last_each_text_once() -> None:
    one = '<w:sectPr><w:headerReference w:type="default" r:id="h1"/></w:sectPr>'
    two = (
        '<w:sectPr><w:headerReference w:type="first" r:id="h1"/>'
        '<w:headerReference r:id="h2"/><w:footerReference r:id="f1"/></w:sectPr>'
    )
    parts = {
        "word/header1.xml": f"<w:hdr>{paragraph('Contract KV-2207')}</w:hdr>",
        "word/header2.xml": f"<w:hdr>{paragraph('Contract  KV-2207')}{paragraph('Annex')}</w:hdr>",
        "word/footer1.xml": f"<w:ftr>{paragraph('Owner: Petra')}</w:ftr>",
    }
    related = {
        "h1": ("header", "header1.xml"),
        "h2": ("header", "/word/header2.xml"),
        "f1": ("footer", "footer1.xml"),
    }
    body = paragraph("Rent", "berschrift1", one) + paragraph("Due in May.") + two
    read = document(word_file(body, parts, related))
    assert read.text == "Contract KV-2207\n\nAnnex\n\nRent\n\nDue in May.\n\nOwner: Petra"
    assert read.title == "Rent"
    assert [section.heading for section in read.sections] == [None, "Rent"]


@pytest.mark.parametrize(
    ("beside", "kept"),
    [("Page ", False), ("Seite ", False), ("– ", False), ("KV-2207, page ", True)],
)
def test_a_footer_that_only_numbers_pages_is_left_out(beside: str, kept: bool) -> None:
    numbered = paragraph(run(beside) + field(" PAGE ", run("3")) + run(""))
    body = paragraph("Due in May.") + '<w:sectPr><w:footerReference r:id="f1"/></w:sectPr>'
    parts = {"word/footer1.xml": f"<w:ftr>{numbered}</w:ftr>"}
    data = word_file(body, parts, {"f1": ("footer", "footer1.xml")})
    assert document(data).text == "Due in May." + (f"\n\n{beside}3" if kept else "")
    assert left_out(data) == ({} if kept else {"page numbers": 1})


def structure(kind: str, **parts: str) -> str:
    inner = "".join(f"<m:{part}>{content}</m:{part}>" for part, content in parts.items())
    return f"<m:{kind}>{inner}</m:{kind}>"


def m(words: str) -> str:
    return f"<m:r><m:t>{words}</m:t></m:r>"


@pytest.mark.parametrize(
    ("equation", "expected"),
    [
        (m("4.5 tonnes"), "4.5 tonnes"),
        (m("E=m") + structure("sSup", e=m("c"), sup=m("2")), "E=mc^2"),
        (structure("f", num=m("1"), den=m("2")) + m("mv"), "1/2 mv"),
        (structure("f", num=m("a+b"), den=m("c")), "(a+b)/c"),
        (structure("sSub", e=m("x"), sub=m("i+1")), "x_(i+1)"),
        (structure("sSubSup", e=m("x"), sub=m("i"), sup=m("2")), "x_i^2"),
        (structure("rad", deg="", e=m("a+b")), "√(a+b)"),
        (structure("rad", deg=m("3"), e=m("x")), "∛x"),
        (structure("d", e=m("a,b")), "(a,b)"),
        ('<m:d><m:dPr><m:begChr m:val="["/><m:endChr m:val=""/></m:dPr><m:e/></m:d>', "["),
        (
            '<m:nary><m:naryPr><m:chr m:val="∑"/></m:naryPr>'
            f"<m:sub>{m('i=1')}</m:sub><m:sup>{m('n')}</m:sup><m:e>{m('i')}</m:e></m:nary>",
            "∑_(i=1)^n i",
        ),
        (structure("func", fName=m("sin"), e=m("x")), "sin x"),
        (structure("limLow", e=m("lim"), lim=m("n→∞")), "lim_(n→∞)"),
        (f"<m:m><m:mr><m:e>{m('a')}</m:e><m:e>{m('b')}</m:e></m:mr></m:m>", "a, b"),
        (f"<w:ins w:id='1'>{m('4')}</w:ins><w:del w:id='2'>{m('5')}</w:del>", "4"),
    ],
)
def test_an_equation_is_a_line_of_text_in_its_sentence(equation: str, expected: str) -> None:
    inline = run("It is ") + f"<m:oMath>{equation}</m:oMath>" + run(".")
    assert text(paragraph(inline)) == f"It is {expected}."
    apart = f"<m:oMathPara><m:oMath>{equation}</m:oMath></m:oMathPara>"
    assert text(paragraph("It is:") + apart) == f"It is:\n\n{expected}"


def test_readings_follow_the_characters_that_they_belong_to() -> None:
    def ruby(base: str, reading: str) -> str:
        return (
            f"<w:r><w:ruby><w:rubyPr/><w:rt>{run(reading)}</w:rt>"
            f"<w:rubyBase>{run(base)}</w:rubyBase></w:ruby></w:r>"
        )

    assert (
        text(paragraph(ruby("東", "とう") + ruby("京", "きょう") + run("駅")))
        == "東京(とうきょう)駅"
    )


def test_what_a_field_computes_from_is_left_out_even_if_it_holds_a_field() -> None:
    mark = '<w:r><w:fldChar w:fldCharType="{}"/></w:r>'.format
    inner = field(" MERGEFIELD sum ", run("12"))
    outer = mark("begin") + inner + mark("separate") + run("twelve") + mark("end")
    assert text(paragraph(run("It is ") + outer + run("."))) == "It is twelve."


def test_a_field_over_several_paragraphs_is_read_and_one_without_an_end_hides_nothing() -> None:
    mark = '<w:r><w:fldChar w:fldCharType="{}"/></w:r>'.format
    start = mark("begin") + "<w:r><w:instrText>TOC</w:instrText></w:r>"
    opened = paragraph(start + mark("separate") + run("One 1"))
    assert text(opened + paragraph(run("Two 2") + mark("end"))) == "One 1\n\nTwo 2"
    assert text(paragraph(start + run("One 1")) + paragraph("Two 2")) == "One 1\n\nTwo 2"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ('<w:ddList><w:result w:val="1"/><w:listEntry w:val="Ohio"/><w:listEntry w:val="Utah"/>'
         "</w:ddList>", "Utah"),
        ('<w:checkBox><w:default w:val="0"/><w:checked/></w:checkBox>', "☒"),
        ('<w:checkBox><w:default w:val="0"/></w:checkBox>', "☐"),
    ],
)  # fmt: skip
def test_old_form_fields_show_their_choice(data: str, expected: str) -> None:
    begin = f'<w:r><w:fldChar w:fldCharType="begin"><w:ffData>{data}</w:ffData></w:fldChar></w:r>'
    between, end = (f'<w:r><w:fldChar w:fldCharType="{at}"/></w:r>' for at in ("separate", "end"))
    assert text(paragraph(run("State: ") + begin + end)) == f"State: {expected}"
    told = between + run(expected) + end
    assert text(paragraph(run("State: ") + begin + told)) == f"State: {expected}"


def test_diagrams_and_charts_are_read_behind_their_paragraph() -> None:
    points = '<c:strCache><c:pt idx="0"><c:v>{}</c:v></c:pt></c:strCache>'.format
    chart = (
        "<c:chartSpace><c:title><a:p><a:r><a:t>Sales</a:t></a:r></a:p></c:title><c:ser>"
        f"<c:tx>{points('North')}</c:tx><c:cat>{points('May')}</c:cat>"
        f"<c:val>{points('41')}</c:val></c:ser></c:chartSpace>"
    )
    diagram = (
        "<dgm:dataModel><dgm:pt><a:p><a:r><a:t>Plan</a:t></a:r></a:p></dgm:pt></dgm:dataModel>"
    )
    parts = {"word/charts/chart1.xml": chart, "word/diagrams/data1.xml": diagram}
    related = {"c1": ("chart", "charts/chart1.xml"), "d1": ("diagramData", "diagrams/data1.xml")}
    drawn = '<w:r><w:drawing><c:chart r:id="c1"/><dgm:relIds r:dm="d1"/></w:drawing></w:r>'
    data = word_file(paragraph(run("See.") + drawn), parts, related)
    assert document(data).text == "See.\n\nSales\n\nMay; North: 41\n\nPlan"


def test_strict_open_xml_is_read() -> None:
    note = '<w:r><w:footnoteReference w:id="2"/></w:r>'
    math = f"<m:oMath>{m('x')}</m:oMath>"
    data = word_file(
        paragraph("Light", "berschrift1") + paragraph(run("Kept by Borg: ") + math + note),
        {"word/footnotes.xml": notes("footnotes")},
        {"rId3": ("footnotes", "footnotes.xml")},
        STRICT,
    )
    read = document(data)
    assert read.text == "Light\n\nKept by Borg: x\n\nPaid by Lind."
    assert read.title == "Light"


@pytest.mark.parametrize("main", ["word/document.xml", "word/document2.xml", "content/text.xml"])
def test_the_text_is_where_the_file_says(main: str) -> None:
    assert document(word_file(paragraph("Words."), main=main)).text == "Words."


@pytest.mark.parametrize("suffix", [".docx", ".docm", ".dotx", ".dotm", ".DOCM", "", ".doc"])
def test_documents_with_macros_and_templates_are_word_files(suffix: str) -> None:
    assert format_of(suffix, word_file(paragraph("Words."))) == "docx"
    assert format_of(suffix, word_file(paragraph("Words."), main="word/document2.xml")) == "docx"


def test_comments_and_descriptions_and_objects_are_left_out_and_counted() -> None:
    comment = f'<w:comment w:id="1">{paragraph("Really?")}</w:comment>'
    drawn = '<w:r><w:drawing><wp:docPr descr="a lamp"/></w:drawing><w:object/></w:r>'
    refers = '<w:r><w:commentReference w:id="1"/><w:sym w:font="Marlett" w:char="F061"/></w:r>'
    data = word_file(
        paragraph(run("Words.") + refers + drawn),
        {"word/comments.xml": f"<w:comments>{comment * 2}</w:comments>"},
        {"rId3": ("comments", "comments.xml")},
    )
    assert document(data).text == "Words."
    assert left_out(data) == {
        "comments": 2,
        "descriptions of pictures": 1,
        "embedded objects": 1,
        "symbols without a character": 1,
    }


def test_parts_taken_in_from_other_formats_are_told() -> None:
    related = {"rId5": ("aFChunk", "chunk.mht")}
    data = word_file(paragraph("Words.") + '<w:altChunk r:id="rId5"/>', {}, related)
    assert warnings(data) == ["it takes in word/chunk.mht, whose text isn't indexed"]
    assert left_out(data) == {"imported parts": 1}


@pytest.mark.parametrize("target", ["NULL", "media/image9.png", "../../../etc/passwd"])
def test_a_reference_to_what_is_not_there_costs_nothing(target: str) -> None:
    data = word_file(paragraph("Words."), {}, {"rId5": ("image", target)})
    assert document(data).text == "Words."
    assert warnings(data) == []


def test_a_header_that_is_missing_is_told() -> None:
    body = paragraph("Words.") + '<w:sectPr><w:headerReference r:id="h1"/></w:sectPr>'
    data = word_file(body, {}, {"h1": ("header", "header1.xml")})
    assert document(data).text == "Words."
    assert warnings(data) == ["word/header1.xml is missing: its text isn't indexed"]
    assert warnings(word_file(body)) == ["word/document.xml refers to a part that isn't named"]


def changed(data: bytes, change: Callable[[str, bytes], bytes | None]) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(BytesIO(data)) as whole, zipfile.ZipFile(buffer, "w") as made:
        for name in whole.namelist():
            if (part := change(name, whole.read(name))) is not None:
                made.writestr(name, part)
    return buffer.getvalue()


def test_only_the_text_is_needed() -> None:
    data = word_file(paragraph("Words.", "Heading1"))
    bare = changed(data, lambda name, part: part if name == "word/document.xml" else None)
    assert document(bare).text == "Words."
    assert document(bare).title == "Words."


def test_of_broken_xml_what_can_be_read_is_and_the_rest_is_told() -> None:
    data = word_file(paragraph("One.") + paragraph("Two.") + paragraph("Three."))
    broken = changed(data, lambda name, part: part.replace(b"Two.", b"Two\x01."))
    assert document(broken).text.startswith("One.\n\nTwo")
    assert warnings(broken)[0].startswith(
        "word/document.xml is broken XML, its text may not be whole: "
    )


def test_of_a_damaged_archive_what_stands_before_the_damage_is_read_and_the_rest_is_told() -> None:
    body = "".join(paragraph(f"This is paragraph {number}.") for number in range(100))
    data = word_file(body)
    damaged = data.replace(b"This is paragraph 90.", b"This is paragraph 9x.")
    assert "This is paragraph 60.\n\n" in document(damaged).text
    assert warnings(damaged)[0] == (
        "word/document.xml is damaged: what stands behind the damage isn't indexed"
    )


def test_entities_are_never_replaced() -> None:
    grows = b'<!DOCTYPE d [<!ENTITY a "lamp"><!ENTITY b "&a;&a;"><!ENTITY c SYSTEM "file:///dev/zero">]>'
    data = word_file(paragraph("One &b;&c; two."))
    hostile = changed(
        data, lambda name, part: grows + part if name == "word/document.xml" else part
    )
    assert "lamp" not in document(hostile).text


def test_one_that_unpacks_to_too_much_is_refused() -> None:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b" " * 1_000_000)
    reason = refusal(buffer.getvalue(), Limits(file_bytes=899_999))
    assert reason == "too large: unpacks to 1.0 MB, over the limit of 0.9 MB (--max-file-mb)"


def test_a_damaged_file_is_refused() -> None:
    whole = word_file(paragraph("Words."))
    broken = changed(whole, lambda n, part: b"<broken" if n == "word/document.xml" else part)
    other = changed(whole, lambda n, part: b"<other/>" if n == "word/document.xml" else part)
    empty = changed(whole, lambda name, part: None)
    for data in (b"no archive", broken, other, empty, whole[:500]):
        assert refusal(data).startswith("damaged, or not a Word document")


def test_an_old_or_encrypted_document_is_refused_by_name() -> None:
    assert refusal(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(500)) == (
        "a .docx expected, found an encrypted or an old Word document (.doc); save it as .docx "
        "without a password"
    )
