"""What the sidebar offers to filter by, and how its widgets and the address say the same."""

from datetime import date

from engine.document_fields import FieldSummary
from engine.filters import Condition, parse
from ui.filter_view import as_conditions, as_widgets, offered

TYPE = FieldSummary("type", ("text",), 9, 2, (("pdf", 5), ("md", 4)))
OPEN = FieldSummary("open", ("boolean",), 9, 2, ((True, 5), (False, 4)))
YEAR = FieldSummary("year", ("number",), 7, 3, ((1999, 3), (2004, 3), (2020, 1)), 1999, 2020)
SHARE = FieldSummary("share", ("number",), 7, 2, ((0.5, 3), (1, 4)), 0.5, 1)
CHANGED = FieldSummary(
    "modified",
    ("date",),
    9,
    2,
    (("2026-03-01T12:00:00Z", 8), ("2026-03-02T12:00:00Z", 1)),
    "2026-03-01T12:00:00Z",
    "2026-03-02T12:00:00Z",
)


def test_what_tells_documents_apart_is_offered_that_of_most_documents_first() -> None:
    alone = FieldSummary("language", ("text",), 9, 1, (("en", 9),))
    unique = FieldSummary("doi", ("text",), 9, 900, (("a", 1),))
    titles = FieldSummary("title", ("text",), 9, 9, (("A", 1),))
    at_once = FieldSummary(
        "modified",
        ("date",),
        9,
        2,
        (("2026-03-01T12:00:00Z", 8), ("2026-03-01T12:00:01Z", 1)),
        "2026-03-01T12:00:00Z",
        "2026-03-01T12:00:01Z",
    )
    unwritable = FieldSummary("a=b", ("text",), 9, 2, (("x", 5), ("y", 4)))
    files = FieldSummary("path", ("text",), 9, 9000, (("a.txt", 1),))
    fields = [alone, YEAR, unique, titles, at_once, unwritable, files, TYPE]
    assert offered(fields) == [files, TYPE, YEAR]


def test_widgets_and_conditions_say_the_same() -> None:
    fields = [TYPE, OPEN, YEAR, SHARE, CHANGED]
    written = [
        "type=md,pdf",
        "open=true",
        "year>=2000",
        "year<=2010",
        "share>=0.5",
        "modified<=2026-03-01",
    ]
    state, others = as_widgets(fields, [parse(one) for one in written])
    assert others == []
    assert [value for value in state.values() if value] == [
        ["md", "pdf"],
        [True],
        2000,
        2010,
        0.5,
        date(2026, 3, 1),
    ]
    assert [str(one) for one in as_conditions(fields, state)] == written


def test_conditions_that_no_widget_shows_are_left_over() -> None:
    written = [
        "type=odt",
        "year<2010",
        "year>=2000.5",
        "year>=99999999999999999999",
        "modified>=2026",
        "author=Ann",
    ]
    state, others = as_widgets([TYPE, YEAR, CHANGED], [parse(one) for one in written])
    assert not any(state.values())
    assert [str(one) for one in others] == written


def test_a_second_condition_on_a_field_is_left_over_too() -> None:
    state, others = as_widgets([TYPE], [parse("type=pdf"), parse("type=md")])
    assert state == {"filter type=": ["pdf"]}
    assert others == [Condition("type", "=", ("md",))]
