"""The filters under the question, offered by what documents' fields hold.

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
from ui import asked, file_filter, plain_words, render
from ui.settings import PageSettings
from ui.shared_engine import open_engine

CHOICES = 50  # different values that a field may have to be offered as choices
FIELDS = 8
LARGEST = 2**53  # number that browsers count to

PATH = "path"
ALIKE = ("title",)  # fields that the path stands for


def show(settings: PageSettings) -> None:
    """Show the filters in force in words, and the widgets that change them.

    Raises: FilterError if a filter in the address can't be read.
    """
    written = asked.filters()
    generation = open_engine(settings.index, settings.model).backend.describe().generation
    offered_fields = offered(fields(settings, generation))
    if not offered_fields and not written:
        return
    in_force = st.container(
        horizontal=True, vertical_alignment="center", gap="small", key="in-force"
    )
    with in_force:
        words = st.empty()
        # It comes first, so that a filter that can't be read can be cleared too.
        if written:
            st.button(
                "Clear all", on_click=_write, args=([],), key="clear-filters", type="tertiary"
            )
    conditions = [parse(one) for one in written]
    by_path = any(one.name == PATH for one in offered_fields)
    names = file_filter.names(settings, generation) if by_path else {}
    if conditions:
        words.html(render.status_line(in_words(conditions, names)))
    state, others = as_widgets(offered_fields, conditions)
    wanted = (settings.index, written)
    kept = (st.session_state.get("filtered-index"), st.session_state.get("filtered"))
    if kept != wanted or not state.keys() <= set(st.session_state):
        for key, value in state.items():
            st.session_state[key] = value
        st.session_state["filtered-index"], st.session_state["filtered"] = wanted
    if offered_fields:
        with st.expander("Filters", key="filters", icon=":material/filter_list:"):
            for field in offered_fields:
                _field_widgets(field, offered_fields, others, names)


def in_words(conditions: Sequence[Condition], names: Mapping[str, str]) -> str:
    """What the conditions ask for, in one line."""
    told = [plain_words.condition(one, lambda path: names.get(path, path)) for one in conditions]
    return f"Only documents where: {'; '.join(told)}"


def fields(settings: PageSettings, generation: int) -> tuple[FieldSummary, ...]:
    """The fields of the collection at that generation."""
    return _fields(settings.index, settings.model, generation)


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
                written = [_written(field, value) for value in one.values]
                chosen = [known[value] for value in written if value in known]
                if field.name == PATH:
                    chosen = list(one.values)  # any file can be found
                if len(chosen) == len(one.values) and not state[_key(field)]:
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
    field: FieldSummary,
    fields: Sequence[FieldSummary],
    others: Sequence[Condition],
    names: Mapping[str, str],
) -> None:
    label = render.plain_label(plain_words.field_name(field.name))
    on_edit: dict[str, Any] = {"on_change": _follow, "args": (fields, others)}
    if field.name == PATH:

        def choose(paths: list[str]) -> None:
            st.session_state[_key(field)] = paths
            _follow(fields, others)

        file_filter.show(names, st.session_state[_key(field)], choose)
        return
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
    return render.showable(plain_words.field_value(field.name, value))


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
    return field.distinct > 1 and (field.name == PATH or field.distinct <= CHOICES)


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
