"""Fields: what Word computes, such as the number of a page. Their results are text, their
instructions aren't."""

from indexer.readers.office.names import Element, attribute, child, descendants, name, number, value

_PAGE_NUMBERS = frozenset(["PAGE", "NUMPAGES", "SECTIONPAGES"])


class Fields:
    """The fields that are open at a place in a part of the document."""

    def __init__(self, root: Element) -> None:
        self._open: list[_Field] = []
        self._are_closed = _are_closed(root)

    @property
    def shows(self) -> bool:
        """Whether text here is shown: it isn't part of an instruction."""
        return not self._are_closed or all(one.has_result for one in self._open)

    @property
    def numbers_pages(self) -> bool:
        return any(one.numbers_pages for one in self._open)

    def begin(self, instruction: str = "", choice: str = "", *, has_result: bool = False) -> None:
        self._open.append(_Field(instruction, choice, has_result))

    def end(self) -> str:
        """End the last field. The text that it shows, if it's a choice that no text has told."""
        return self._open.pop().choice if self._open else ""

    def mark(self, element: Element) -> str:
        """Take in a mark of where a field begins, where its result begins, or where it ends.

        The text is as that of `end`.
        """
        kind = attribute(element, "fldCharType")
        if kind == "begin":
            self.begin(choice=_form_choice(element))
        elif kind == "separate" and self._open:
            self._open[-1].has_result = True
        return self.end() if kind == "end" else ""

    def show(self, text: str) -> None:
        """Take note of a text that is shown here."""
        if self._open and text.strip():
            self._open[-1].choice = ""

    def instruct(self, text: str) -> None:
        if self._open:
            self._open[-1].instruction += text


class _Field:
    def __init__(self, instruction: str, choice: str, has_result: bool) -> None:
        self.instruction = instruction
        self.choice = choice
        self.has_result = has_result

    @property
    def numbers_pages(self) -> bool:
        return (self.instruction.split() or [""])[0].upper() in _PAGE_NUMBERS


def _form_choice(element: Element) -> str:
    """What an old form field shows that has no text of its own: a choice of a list, a check."""
    if (choices := child(element, "w:ffData", "w:ddList")) is not None:
        entries = [value(one) for one in choices if name(one) == "w:listEntry"]
        chosen = child(choices, "w:result")
        if chosen is None:
            chosen = child(choices, "w:default")
        place = number(value(chosen), 0)
        return entries[place] if 0 <= place < len(entries) else ""
    if (box := child(element, "w:ffData", "w:checkBox")) is not None:
        state = child(box, "w:checked")
        if state is None:
            state = child(box, "w:default")
        is_checked = state is not None and (attribute(state, "val") or "1") not in ("0", "false")
        return "☒" if is_checked else "☐"
    return ""


def _are_closed(root: Element) -> bool:
    """Whether each field that begins ends too; if not, no text may be taken for instructions."""
    marks = [
        attribute(mark, "fldCharType")
        for mark in descendants(root, "w:fldChar")
        if not any(name(one) in ("w:del", "w:moveFrom") for one in mark.iterancestors())
    ]
    return marks.count("begin") == marks.count("end")
