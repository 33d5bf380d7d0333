"""reStructuredText: what the page made of it shows, with a section for each heading.

docutils makes the page, without what would bring in other files or markup of other languages.
"""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from docutils import nodes
from docutils.core import publish_doctree, publish_from_doctree
from docutils.parsers.rst import Directive, directives, roles
from docutils.parsers.rst.languages import en

from engine.documents import Document
from indexer.readers.decoding import decode
from indexer.readers.headings import join_blocks
from indexer.readers.identity import document_id
from indexer.readers.limits import CHARACTERS_OPTION, Limits, too_large
from indexer.readers.outcome import Item, LeftOut, RawFile, UnreadableError
from indexer.readers.page import Page, parse

_DIRECTIVE = re.compile(
    r"^[ \t]*\.\.[ \t]+(?:\|[^|\n]*\|[ \t]+)?([\w:.+-]+?)[ \t]?::", re.MULTILINE
)
_ROLE = re.compile(r":([\w:.+-]+):`|`:([\w:.+-]+):")
_TARGET = re.compile(r"\s*<[^<>]*>\Z", re.DOTALL)
_FILES = frozenset(["include", "literalinclude", "raw"])  # what is in other files, or other markup
_LISTS = frozenset(["toctree", "index", "currentmodule", "highlight", "tabularcolumns"])
_CODE = frozenset(
    ["code", "code-block", "doctest", "graphviz", "ipython", "literalinclude", "mermaid", "plot",
     "prompt", "sourcecode", "testcode", "testoutput", "testsetup", "uml"]
)  # fmt: skip
_CHANGES = {
    "versionadded": "New in version",
    "versionchanged": "Changed in version",
    "deprecated": "Deprecated since version",
}
_SETTINGS = {
    "_disable_config": True,
    "file_insertion_enabled": False,
    "raw_enabled": False,
    "halt_level": 5,
    "report_level": 5,
    "warning_stream": False,
    "input_encoding": "unicode",
    "output_encoding": "unicode",
    "syntax_highlight": "none",
    "math_output": "LaTeX",
    "embed_stylesheet": False,
    "stylesheet_path": [],
    "smart_quotes": False,
    "toc_backlinks": False,
    "sectsubtitle_xform": False,
    "doctitle_xform": False,
}


def read(file: RawFile, limits: Limits) -> Iterator[Item]:
    """The file as one document. Directives and roles that docutils doesn't know show their text.

    Comments, lists of other files and what includes them are left out and counted.

    Raises: UnreadableError if the file isn't text, is over `limits.characters` or shows no text.
    """
    decoded = decode(file.data)
    yield from decoded.warnings(file.source)
    text = decoded.text
    if (length := len(text)) > limits.characters:  # checked before parsing
        raise UnreadableError(
            too_large(f"{length} characters", str(limits.characters), CHARACTERS_OPTION)
        )
    _learn(text)
    settings = {**_SETTINGS, "line_length_limit": limits.characters}
    tree = publish_doctree(text, settings_overrides=settings)
    left_out = Counter({"comments": _without(tree, nodes.comment)})
    left_out["files and markup brought in"] = sum(name in _FILES for name in _named(text))
    _show_what_failed(tree)
    _number_notes(tree)
    markup = publish_from_doctree(tree, writer="html5", settings_overrides=settings)
    root = parse(markup)
    shown, sections = join_blocks(Page().read(root).blocks if root is not None else [])
    yield Document(
        id=document_id(file.source),
        source=file.source,
        title=next((section.heading for section in sections if section.heading), file.stem),
        text=shown,
        sections=sections,
        metadata={"format": "rst", "encoding": decoded.encoding},
    )
    yield from (LeftOut(file.source, what, count) for what, count in left_out.items() if count)


def _named(text: str) -> Iterator[str]:
    return (found[1].lower() for found in _DIRECTIVE.finditer(text))


def _learn(text: str) -> None:
    """Make docutils know the text's directives and roles, those of Sphinx among them."""
    known = en.directives.keys() - _CODE - _FILES  # of code, docutils refuses options of Sphinx
    for name in set(_named(text)) - known:
        directives.register_directive(name, _Shown)
    for found in _ROLE.finditer(text):
        name = (found[1] or found[2]).lower()
        if name not in en.roles:
            roles.register_local_role(name, _shown_role)


class _AnyOption(dict[str, Any]):
    def __bool__(self) -> bool:
        return True

    def __getitem__(self, name: str) -> Any:
        return directives.unchanged


class _Shown(Directive):  # type: ignore[misc]
    """A directive that isn't docutils' own: its argument, and then its content."""

    optional_arguments = 1
    final_argument_whitespace = True
    has_content = True
    option_spec = _AnyOption()

    def run(self) -> list[nodes.Node]:
        name = self.name.lower().rpartition(":")[2]
        if name in _LISTS or name in _FILES:
            return []
        if name in _CODE:
            code, caption = "\n".join(self.content), self.options.get("caption", "")
            titled = [nodes.paragraph(caption, caption)] if caption else []
            return [*titled, nodes.literal_block(code, code)] if code.strip() else []
        shown: list[nodes.Node] = []
        if self.arguments:
            argument = " ".join([_CHANGES.get(name, ""), *self.arguments[0].split()]).strip()
            inline, messages = self.state.inline_text(argument, self.lineno)
            shown += [nodes.paragraph(argument, "", *inline), *messages]
        inside = nodes.Element()
        self.state.nested_parse(self.content, self.content_offset, inside, match_titles=True)
        return [*shown, *inside.children]


def _shown_role(
    name: str, rawtext: str, text: str, *_: Any, **__: Any
) -> tuple[list[nodes.Node], list[nodes.Node]]:
    """A role that isn't docutils' own: the words that it shows, as Sphinx would."""
    words = nodes.unescape(text)
    titled = _TARGET.sub("", words)
    if titled.strip() and titled != words:
        words = titled
    elif words.startswith("~"):
        words = words[1:].rpartition(".")[2]
    return [nodes.inline(rawtext, words.lstrip("!"))], []


def _without(tree: nodes.document, kind: type[nodes.Node]) -> int:
    found = list(tree.findall(kind))
    for node in found:
        node.parent.remove(node)
    return len(found)


def _show_what_failed(tree: nodes.document) -> None:
    """In place of each message about a fault in the markup, the text that is faulty."""
    for message in list(tree.findall(nodes.system_message)):
        if message.parent is not None:
            message.parent.replace(message, list(message.findall(nodes.literal_block)))


def _number_notes(tree: nodes.document) -> None:
    """Put the number of a footnote, or the key of a citation, at the start of its text."""
    for note in [*tree.findall(nodes.footnote), *tree.findall(nodes.citation)]:
        label, *body = note.children
        if isinstance(label, nodes.label) and body and isinstance(body[0], nodes.paragraph):
            body[0].insert(0, nodes.Text(f"[{label.astext()}] "))
            note.remove(label)
