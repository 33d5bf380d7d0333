"""Files are read as often as they are weighted, and the run ends on those that it should."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from engine.errors import SourceError
from engine.training.course import Course, parse_course, plan_steps
from engine.training.examples import Example, ExampleSet, Window

FILES = [Path("a"), Path("b"), Path("c")]


def of_sizes(*sizes: int) -> ExampleSet:
    """A file of each number of questions, each question on a window of its own."""
    ids, offsets = np.arange(3, dtype=np.int32), np.zeros((3, 2), np.int32)
    sets = [
        ExampleSet(
            [Window(ids, offsets, f"{size}/{n}", "") for n in range(size)],
            [Example(ids, f"{size}/{n}", n, ((0, 0),)) for n in range(size)],
        )
        for size in sizes
    ]
    return ExampleSet.of_files(sets)


def asked(collection: ExampleSet, course: Course, epochs: float, seed: int = 0) -> list[str]:
    """The questions of a run, in order."""
    plan = plan_steps(collection, course, epochs=epochs, size=4, share=1, seed=seed)
    return [collection.examples[number].text for batch in plan for number in batch]


def test_files_together_keep_each_question_on_its_own_window() -> None:
    together = of_sizes(2, 3)
    assert together.sources == (0, 0, 1, 1, 1)
    for example in together.examples:
        assert together.windows[example.gold].text == example.text


def test_an_epoch_reads_each_file_as_often_as_its_weight_says() -> None:
    collection = of_sizes(8, 6, 10)
    course = Course(weights=(0.5, 2.5, 1.0))
    found = Counter(asked(collection, course, 1))
    by_file = [[n for text, n in found.items() if text.startswith(f"{k}/")] for k in (8, 6, 10)]
    assert [len(by_file[0]), sum(by_file[0])] == [4, 4]
    assert sorted(by_file[1]) == [2, 2, 2, 3, 3, 3]
    assert by_file[2] == [1] * 10
    halves = [
        {t for t in asked(collection, course, 1, seed) if t.startswith("8/")} for seed in range(5)
    ]
    assert len(set(map(frozenset, halves))) > 1, "another half each time"


def test_the_end_of_a_run_reads_its_files_alone_and_as_often_as_it_takes() -> None:
    collection = of_sizes(40, 4)
    course = Course(weights=(1.0, 0.0), last=(1,), share=0.4)
    texts = asked(collection, course, 1)
    assert len(texts) == 40
    assert all(text.startswith("40/") for text in texts[:24])
    assert Counter(texts[24:]) == {f"4/{n}": 4 for n in range(4)}
    assert asked(collection, course, 1) == texts
    assert asked(collection, course, 1, seed=1) != texts


def test_without_a_course_every_question_is_asked_once_an_epoch() -> None:
    assert set(Counter(asked(of_sizes(5, 3), Course(), 2)).values()) == {2}


def test_a_run_cannot_end_on_files_without_a_question() -> None:
    with pytest.raises(SourceError, match="the files to end on have no question"):
        asked(of_sizes(9, 0), Course(last=(1,), share=0.5), 1)


def test_files_are_named_once_with_their_weights() -> None:
    assert parse_course(FILES, [], [], 0.2) == (FILES, Course())
    files, course = parse_course(FILES[:2], ["b:0.5", "d:e:2"], [Path("c"), Path("a")], 0.3)
    assert files == [Path("a"), Path("b"), Path("d:e"), Path("c")]
    assert course == Course((1.0, 0.5, 2.0, 0.0), (3, 0), 0.3)


@pytest.mark.parametrize("text", ["a", "a:", ":2", "a:0", "a:-1", "a:inf", "a:nan", "a:half", ""])
def test_a_mixture_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(SourceError, match="expected a file, a colon and a weight above 0"):
        parse_course(FILES, [text], [], 0.2)


def test_a_training_without_files_is_refused() -> None:
    for last in ([], [Path("a")]):
        with pytest.raises(SourceError, match="no file to train on"):
            parse_course([], [], last, 0.2)
