"""JSON: SQuAD (a document for each paragraph), Anserini and BEIR records."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from indexer.readers import json_lines
from indexer.readers.decoding import decode
from indexer.readers.fields import TEXT_NAMES, json_record, named_as, record_document
from indexer.readers.limits import Limits
from indexer.readers.nesting import parsed_json
from indexer.readers.outcome import Item, RawFile, Skipped, UnreadableError

_Metadata = Mapping[str, str | int | float]


def read(file: RawFile, limits: Limits) -> Iterator[Item]:
    """The documents of a JSON file. A SQuAD paragraph's document is exactly its `context`.

    Raises: UnreadableError if the file isn't text, isn't JSON, has another layout, or is nested
    deeper than `limits.depth`.
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
        raise UnreadableError(f"broken JSON at line {error.lineno}: {error.msg}") from error
    if (articles := _articles(content)) is not None:
        yield from _squad(file, articles, metadata)
    elif isinstance(content, list):
        for number, record in enumerate(content, 1):
            yield from json_record(file, record, f"record {number}", metadata)
    elif isinstance(content, dict) and named_as(TEXT_NAMES, content):
        yield from json_record(file, content, "record 1", metadata)
    else:
        raise UnreadableError("JSON of another shape than SQuAD, BEIR or Anserini records")


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


def _squad(file: RawFile, articles: list[Any], metadata: _Metadata) -> Iterator[Item]:
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
