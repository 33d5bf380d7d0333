"""JSON: SQuAD (a document for each paragraph), and records wherever they stand."""

import json
from collections.abc import Iterator
from typing import Any

from indexer.readers import json_lines
from indexer.readers.decoding import decode
from indexer.readers.fields import record_document
from indexer.readers.json_records import Metadata, placed_records, record_items
from indexer.readers.limits import Limits
from indexer.readers.nesting import parsed_json
from indexer.readers.outcome import Item, RawFile, Skipped, UnreadableError, Warned
from indexer.readers.relaxed_json import relaxed_values


def read(file: RawFile, limits: Limits) -> Iterator[Item]:
    """The documents of a JSON file. A SQuAD paragraph's document is exactly its `context`.

    Raises: UnreadableError if the file isn't text, isn't JSON, holds no record, or is nested deeper
    than `limits.depth`.
    """
    decoded = decode(file.data)
    yield from decoded.warnings(file.source)
    metadata = {"format": "json", "encoding": decoded.encoding}
    try:
        content = parsed_json(decoded.text, limits.depth)
    except json.JSONDecodeError as error:
        # Collections in Anserini's layout often have JSON lines in .json files.
        if json_lines.looks_like_lines(decoded.text):
            yield from json_lines.read(file, limits)
            return
        content, warning = _relaxed(decoded.text, limits, error)
        if warning:
            yield Warned(file.source, warning)
    if (articles := _articles(content)) is not None:
        yield from _squad(file, articles, metadata)
        return
    if not isinstance(content, dict | list):
        raise UnreadableError("JSON of another shape: expected objects, got a single value")
    records = placed_records(content)
    yield from record_items(file, lambda: iter(records), metadata)


def _relaxed(text: str, limits: Limits, error: json.JSONDecodeError) -> tuple[Any, str | None]:
    try:
        values, warning = relaxed_values(text, limits.depth)
    except ValueError:
        raise UnreadableError(f"broken JSON at line {error.lineno}: {error.msg}") from error
    return (values[0] if len(values) == 1 else values), warning


def _articles(content: object) -> list[Any] | None:
    if isinstance(content, dict) and isinstance(content.get("data"), list):
        content = content["data"]
    elif isinstance(content, dict):
        content = [content]
    if isinstance(content, list) and any(_is_article(item) for item in content):
        return content
    return None


def _is_article(item: object) -> bool:
    if not isinstance(item, dict) or not isinstance(item.get("paragraphs"), list):
        return False
    return any(isinstance(part, dict) and "context" in part for part in item["paragraphs"])


def _squad(file: RawFile, articles: list[Any], metadata: Metadata) -> Iterator[Item]:
    for number, article in enumerate(articles, 1):
        if not _is_article(article):
            yield Skipped(file.source, f"article {number}: no paragraphs with a context")
            continue
        title = article.get("title")
        title = title if isinstance(title, str) else ""
        for index, paragraph in enumerate(article["paragraphs"], 1):
            context = paragraph.get("context") if isinstance(paragraph, dict) else None
            if not isinstance(context, str):
                yield Skipped(file.source, f"article {number}, paragraph {index}: no context")
                continue
            # SQuAD's titles are written as in web addresses.
            words = title.replace("_", " ")
            yield record_document(file, f"{title}\t{index}", words, context, metadata)
