"""Passages that look right and aren't: what BM25 finds for a question in the same collection."""

from dataclasses import replace

import tantivy

from engine.evaluation.metrics import normalise
from engine.training.examples import Example, ExampleSet


def with_negatives(examples: ExampleSet, *, per_question: int = 8) -> ExampleSet:
    """Give each example the best-ranked windows that hold none of its answers' texts."""
    index = _index(examples)
    searcher = index.searcher()
    texts = [normalise(window.text) for window in examples.windows]
    mined = []
    for example in examples.examples:
        gold = examples.windows[example.gold]
        answers = [normalise(_span_text(example, examples, span)) for span in example.spans]
        query, _ = index.parse_query_lenient(example.text, ["text"])
        found: list[int] = []
        for _, address in searcher.search(query, 3 * per_question).hits:
            window = int(searcher.doc(address)["window"][0])
            text = texts[window]
            if examples.windows[window].text != gold.text and not any(a in text for a in answers):
                found.append(window)
        mined.append(replace(example, negatives=tuple(found[:per_question])))
    return ExampleSet(examples.windows, mined)


def _span_text(example: Example, examples: ExampleSet, span: tuple[int, int]) -> str:
    window = examples.windows[example.gold]
    first, last = window.offsets[span[0], 0], window.offsets[span[1], 1]
    return window.text[first:last]


def _index(examples: ExampleSet) -> tantivy.Index:
    schema = tantivy.SchemaBuilder()
    schema.add_text_field("text", stored=False, tokenizer_name="en_stem")
    schema.add_unsigned_field("window", stored=True)
    index = tantivy.Index(schema.build())
    writer = index.writer(heap_size=64_000_000, num_threads=1)
    for number, window in enumerate(examples.windows):
        writer.add_document(tantivy.Document(text=window.text, window=number))
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    return index
