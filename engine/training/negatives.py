"""Negatives: passages of the same collection that BM25 finds but that don't answer."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import tantivy

from engine.text.matching import normalise
from engine.training.examples import Example, ExampleSet, Window
from engine.training.task_examples import TaskSet


def with_negatives(examples: ExampleSet, *, per_question: int = 8) -> ExampleSet:
    """Give each example the best-ranked windows that hold none of its answers' texts.

    Examples without an answer get none, since another paragraph may answer them.
    """
    texts = [normalise(window.text) for window in examples.windows]
    answers = [
        [normalise(_span_text(example, examples, span)) for span in example.spans]
        for example in examples.examples
    ]

    def is_negative(number: int, window: int) -> bool:
        gold = examples.windows[examples.examples[number].gold]
        answered = any(answer in texts[window] for answer in answers[number])
        other = examples.windows[window].text != gold.text
        return bool(answers[number]) and other and not answered

    asked = [example.text for example in examples.examples]
    found = find_negatives(examples.windows, asked, is_negative, per_question=per_question)
    mined = [
        replace(example, negatives=negatives)
        for example, negatives in zip(examples.examples, found, strict=True)
    ]
    return replace(examples, examples=mined)


def with_other_windows(tasks: TaskSet, *, per_question: int = 8) -> TaskSet:
    """Give each yes/no question the best-ranked windows of other passages."""
    windows = tasks.windows
    golds = [{windows[gold].text for gold in example.golds} for example in tasks.examples]
    found = find_negatives(
        windows,
        [example.text for example in tasks.examples],
        lambda number, window: windows[window].text not in golds[number],
        per_question=per_question,
    )
    mined = [
        replace(example, negatives=negatives)
        for example, negatives in zip(tasks.examples, found, strict=True)
    ]
    return replace(tasks, examples=mined)


def find_negatives(
    windows: Sequence[Window],
    asked: Sequence[str],
    is_negative: Callable[[int, int], bool],
    *,
    per_question: int,
) -> list[tuple[int, ...]]:
    """For each question, the best-ranked windows with `is_negative(question, window)`."""
    index = _index(windows)
    searcher = index.searcher()
    found = []
    for number, question in enumerate(asked):
        query, _ = index.parse_query_lenient(question, ["text"])
        hits = searcher.search(query, 3 * per_question).hits
        ranked = (int(searcher.doc(address)["window"][0]) for _, address in hits)
        found.append(tuple(w for w in ranked if is_negative(number, w))[:per_question])
    return found


def _span_text(example: Example, examples: ExampleSet, span: tuple[int, int]) -> str:
    window = examples.windows[example.gold]
    first, last = window.offsets[span[0], 0], window.offsets[span[1], 1]
    return window.text[first:last]


def _index(windows: Sequence[Window]) -> tantivy.Index:
    schema = tantivy.SchemaBuilder()
    schema.add_text_field("text", stored=False, tokenizer_name="en_stem")
    schema.add_unsigned_field("window", stored=True)
    index = tantivy.Index(schema.build())
    writer = index.writer(heap_size=64_000_000, num_threads=1)
    for number, window in enumerate(windows):
        writer.add_document(tantivy.Document(text=window.text, window=number))
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    return index
