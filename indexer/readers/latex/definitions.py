"""The commands that a LaTeX file defines itself, by \\newcommand and its like."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_DEFINES = re.compile(
    r"""\\(?:(?:re|provide)?newcommand|providecommand|renewcommand|DeclareRobustCommand)\*?\s*
        (?:\{\s*\\(?P<name>[a-zA-Z]+\*?)\s*\}|\\(?P<bare>[a-zA-Z]+))\s*
        (?:\[(?P<count>[0-9])\])?\s*(?P<default>\[[^\[\]{}]*\])?\s*(?=\{)
      | \\(?:[egx]?def)\s*\\(?P<old>[a-zA-Z]+)(?P<slots>(?:\#[1-9])*)\s*(?=\{)
      | \\DeclareMathOperator\*?\s*\{\s*\\(?P<operator>[a-zA-Z]+)\s*\}\s*(?=\{)""",
    re.VERBOSE,
)
_STEP = re.compile(r"\\.|[{}]", re.DOTALL)
_LONGEST = 2000  # characters of a definition; others show what they are given


@dataclass(frozen=True)
class Definition:
    """A command that takes `count` arguments, the first of them with a `default` if that isn't
    None; `body` holds them as #1, #2 and so on.
    """

    name: str
    count: int
    default: str | None
    body: str

    @property
    def arguments(self) -> str:
        """As pylatexenc writes which arguments a command takes."""
        needed = self.count - (self.default is not None)
        return "[" * (self.default is not None) + "{" * needed

    def applied(self, given: Sequence[str | None]) -> str:
        """The body with the arguments given, each in its place."""
        first = [self.default if text is None else text for text in given[:1]]
        texts = [*first, *given[1:]]

        def text(slot: re.Match[str]) -> str:
            number = int(slot[1])
            return (texts[number - 1] or "") if number <= len(texts) else ""

        return re.sub(r"#([1-9])", text, self.body)


def definitions(source: str) -> tuple[dict[str, Definition], str]:
    """What a text defines, by name, and the text without the definitions."""
    found: dict[str, Definition] = {}
    kept: list[str] = []
    position = 0
    for match in _DEFINES.finditer(source):
        end = group_end(source, match.end())
        if match.start() < position or end is None:
            continue
        name = match["name"] or match["bare"] or match["old"] or match["operator"]
        count = int(match["count"] or 0) or len(match["slots"] or "") // 2
        default = match["default"][1:-1] if match["default"] and count else None
        if end - match.end() <= _LONGEST:
            body = source[match.end() + 1 : end - 1]
            found[name] = Definition(name, count, default, body)
        kept.append(source[position : match.start()])
        position = end
    return found, "".join([*kept, source[position:]])


def group_end(source: str, start: int) -> int | None:
    """Where the group ends that opens with the brace at `start`; None if it never does."""
    depth = 0
    for step in _STEP.finditer(source, start):
        depth += {"{": 1, "}": -1}.get(step[0], 0)
        if depth == 0:
            return step.end()
    return None
