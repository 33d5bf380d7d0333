"""The filters of the sidebar, offered by what documents' fields hold.

The address, `?filter=type%3Dpdf&filter=year%3E%3D2020`, holds the filters. The widgets follow it,
and a change in a widget changes it.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import streamlit as st

from engine.document_fields import DATE, NUMBER, FieldSummary, Scalar, number
from engine.errors import FilterError
from engine.filters import Condition, parse
from ui import render
from ui.settings import PageSettings
from ui.shared_engine import open_engine
from ui.uploads import shown_source

CHOICES = 50  # different values that a field may have to be offered as choices
FIELDS = 8
FILTERS = 20  # that an address may have
LARGEST = 2**53  # number that browsers count to

LABELS = {"path": "File", "type": "Type", "modified": "Modified"}
ALIKE = ("title",)  # fields that the path stands for


def asked_filters() -> list[str]:
    """The filters in the address, as written there."""
    return st.query_params.get_all("filter")[:FILTERS]


def show(settings: PageSettings) -> None:
    """Show the widgets, and the filters of the address that no widget shows.

    Raises: FilterError if a filter in the address can't be read.
    """
    asked = asked_filters()
    generation = open_engine(settings.index, settings.model).backend.describe().generation
    fields = offered(_fields(settings.index, settings.model, generation))
    if not fields and not asked:
        return
    with st.sidebar:
        st.html('<h2 class="fr-part">Filters</h2>')
        # It comes first, so that a filter that can't be read can be cleared too.
        if asked:
            st.button(
                "Clear all", on_click=_write, args=([],), key="clear-filters", type="tertiary"
            )
        state, others = as_widgets(fields, [parse(one) for one in asked])
        if st.session_state.get("filtered") != asked or not state.keys() <= set(st.session_state):
            for key, value in state.items():
                st.session_state[key] = value
            st.session_state["filtered"] = asked
        for one in others:
            st.html(f'<div class="fr-small">{render.escape(str(one))}</div>')
        for field in fields:
            _field_widgets(field, fields, others)


def offered(fields: Sequence[FieldSummary]) -> list[FieldSummary]:
    """The fields worth a widget, those that most documents have first."""
    useful = [
        one
        for one in fields
        if one.name not in ALIKE and _can_be_written(one.name) and _tells_apart(one)
    ]
    return sorted(useful, key=lambda one: -one.documents)[:FIELDS]


def as_widgets(
    fields: Sequence[FieldSummary], conditions: Sequence[Condition]
) -> tuple[dict[str, Any], list[Condition]]:
    """The widgets' state for these conditions, by key, and the conditions that no widget shows."""
    state: dict[str, Any] = {}
    others = list(conditions)
    for field in fields:
        if not _is_range(field):
            state[_key(field)] = []
        else:
            state[_key(field, ">=")] = state[_key(field, "<=")] = None
        for one in conditions:
            if one.field != field.name:
                continue
            if one.operator == "=" and not _is_range(field):
                known = {_written(field, value): value for value, _ in field.values}
                asked = [_written(field, value) for value in one.values]
                chosen = [known[value] for value in asked if value in known]
                if len(chosen) == len(asked) and not state[_key(field)]:
                    state[_key(field)] = chosen
                    others.remove(one)
            elif one.operator in (">=", "<=") and _is_range(field):
                limit = _limit(field, str(one.values[0]))
                if limit is not None and state[_key(field, one.operator)] is None:
                    state[_key(field, one.operator)] = limit
                    others.remove(one)
    return state, others


def as_conditions(fields: Sequence[FieldSummary], state: Mapping[str, Any]) -> list[Condition]:
    """The conditions that the widgets' state stands for."""
    said = []
    for field in fields:
        if not _is_range(field):
            if chosen := state.get(_key(field)):
                said.append(Condition(field.name, "=", tuple(chosen)))
            continue
        for operator in (">=", "<="):
            limit = state.get(_key(field, operator))
            if limit is not None:
                value = limit.isoformat() if isinstance(limit, date) else limit
                said.append(Condition(field.name, operator, (value,)))
    return said


@st.cache_resource(max_entries=2, show_spinner=False)
def _fields(index: str, model: str | None, generation: int) -> tuple[FieldSummary, ...]:
    """The fields. `generation` is part of the cache's key: a changed index is read anew."""
    return open_engine(index, model).fields(values=CHOICES)


def _field_widgets(
    field: FieldSummary, fields: Sequence[FieldSummary], others: Sequence[Condition]
) -> None:
    label = LABELS.get(field.name, render.plain_label(field.name))
    on_edit: dict[str, Any] = {"on_change": _follow, "args": (fields, others)}
    if not _is_range(field):
        counts = dict(field.values)
        st.multiselect(
            label,
            [value for value, _ in field.values],
            format_func=lambda value: f"{_shown(field, value)} ({counts[value]})",
            placeholder="Any",
            key=_key(field),
            **on_edit,
        )
        return
    with st.container(horizontal=True):
        for operator, side in ((">=", "from"), ("<=", "to")):
            name = f"{label}, {side}"
            if NUMBER in field.kinds:
                step = 1 if _whole(field) else None
                st.number_input(
                    name,
                    value=None,
                    step=step,
                    placeholder="Any",
                    key=_key(field, operator),
                    **on_edit,
                )
            else:
                st.date_input(
                    name,
                    value=None,
                    min_value=date.min,
                    max_value=date.max,
                    format="YYYY-MM-DD",
                    key=_key(field, operator),
                    **on_edit,
                )


def _shown(field: FieldSummary, value: Scalar) -> str:
    text = str(value)
    return render.showable(shown_source(text) if field.name == "path" else text)


def _follow(fields: Sequence[FieldSummary], others: Sequence[Condition]) -> None:
    """Put into the address what the widgets say, after what they can't show."""
    _write(
        [
            *map(str, others),
            *map(str, as_conditions(fields, {str(k): v for k, v in st.session_state.items()})),
        ]
    )


def _write(filters: list[str]) -> None:
    if filters:
        st.query_params["filter"] = filters
        # As the widgets have it, so that they are left alone.
        st.session_state["filtered"] = filters
    elif "filter" in st.query_params:
        del st.query_params["filter"]


def _tells_apart(field: FieldSummary) -> bool:
    if field.kinds in ((NUMBER,), (DATE,)):
        return _is_range(field)
    return 1 < field.distinct <= CHOICES


def _is_range(field: FieldSummary) -> bool:
    if field.kinds == (DATE,):
        return str(field.minimum)[:10] != str(field.maximum)[:10]
    return field.kinds == (NUMBER,) and field.minimum != field.maximum


def _written(field: FieldSummary, value: Scalar) -> str:
    return str(Condition(field.name, "=", (value,)))


def _whole(field: FieldSummary) -> bool:
    return isinstance(field.minimum, int) and isinstance(field.maximum, int)


def _limit(field: FieldSummary, text: str) -> int | float | date | None:
    """What a range's widget shows for a limit; None if it can't show it."""
    if DATE in field.kinds:
        try:
            return date.fromisoformat(text)
        except ValueError:
            return None
    value = number(text)
    if value is None or abs(value) >= LARGEST or (_whole(field) and value != int(value)):
        return None
    return int(value) if _whole(field) else float(value)


def _key(field: FieldSummary, operator: str = "=") -> str:
    return f"filter {field.name}{operator}"


def _can_be_written(name: str) -> bool:
    """Whether a condition on a field can stand in an address and be read again."""
    written = Condition(name, "=", ("x",))
    try:
        return parse(str(written)) == written
    except FilterError:
        return False
