"""Windows cover the answers they are paired with."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.datasets.squad import SquadParagraph, SquadQuestion
from engine.text.tokenization import Tokenizer
from engine.training.examples import Example, ExampleSet, cut_examples, is_tune
from engine.training.material import as_typed


def span_texts(collection: ExampleSet, example: Example) -> list[str]:
    window = collection.windows[example.gold]
    return [window.text[window.offsets[i, 0] : window.offsets[j, 1]] for i, j in example.spans]


def long_paragraph(n: int, at: int, answer: str = "Anna Bell") -> SquadParagraph:
    words = ["lamp"] * n
    words[at:at] = [answer]
    context = " ".join(words)
    asked = SquadQuestion("q", "Who lit the lamp?", ((answer, context.index(answer)),))
    return SquadParagraph("t", 0, context, (asked,))


def test_the_spans_of_an_example_read_as_its_answers(
    tokenizer: Tokenizer, paragraphs: list[SquadParagraph]
) -> None:
    collection = cut_examples(paragraphs, tokenizer, limit=100)
    assert [window.text for window in collection.windows] == [p.context for p in paragraphs]
    wanted = [[text for text, _ in q.answers] for p in paragraphs for q in p.questions]
    assert [span_texts(collection, e) for e in collection.examples] == wanted
    assert [e.gold for e in collection.examples] == [0, 0, 1, 1, 2, 2]
    for example, question in zip(
        collection.examples, (q for p in paragraphs for q in p.questions), strict=True
    ):
        assert example.text == question.question
        assert example.question.tolist() == tokenizer.encode(question.question).ids.tolist()


def test_an_answer_within_a_word_takes_the_pieces_that_overlap_it(tokenizer: Tokenizer) -> None:
    context = "the lamps were lit"
    asked = SquadQuestion("q", "What?", (("lamp", 4),))
    collection = cut_examples([SquadParagraph("t", 0, context, (asked,))], tokenizer, limit=100)
    assert span_texts(collection, collection.examples[0]) == ["lamps"]


@given(n=st.integers(1, 60), at=st.integers(0, 60), limit=st.integers(4, 30))
@settings(
    deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_windows_keep_the_limit_cover_the_paragraph_and_hold_the_answer(
    tokenizer: Tokenizer, n: int, at: int, limit: int
) -> None:
    words = ["lamp", *(f"w{i:02}" for i in range(n))]  # every stretch is there only once
    words[at:at] = ["Anna Bell"]
    context = " ".join(words)
    asked = SquadQuestion("q", "Who lit the lamp?", (("Anna Bell", context.index("Anna")),))
    collection = cut_examples([SquadParagraph("t", 0, context, (asked,))], tokenizer, limit=limit)
    whole = tokenizer.encode(context)
    covered = 0
    for window in collection.windows:
        assert 0 < len(window.ids) <= limit
        assert (window.offsets[0, 0], window.offsets[-1, 1]) == (0, len(window.text))
        begin = context.index(window.text)
        first = whole.offsets[:, 1].tolist().index(window.offsets[0, 1] + begin)
        assert first <= covered, "pieces between two windows are lost"
        covered = first + len(window.ids)
        assert window.ids.tolist() == whole.ids[first:covered].tolist()
        assert (window.offsets + begin).tolist() == whole.offsets[first:covered].tolist()
    assert covered == len(whole)
    (example,) = collection.examples
    assert span_texts(collection, example) == ["Anna Bell"]


def test_a_question_goes_to_the_window_in_which_its_answer_is_most_central(
    tokenizer: Tokenizer,
) -> None:
    # 42 pieces in windows of 20: ceil(2 * 22 / 20) + 1 = 4, from 0, 7, 15 and 22.
    for at, gold, first in ((0, 0, 0), (17, 1, 10), (25, 2, 10), (39, 3, 17)):
        collection = cut_examples([long_paragraph(40, at)], tokenizer, limit=20)
        assert len(collection.windows) == 4
        assert collection.examples[0].gold == gold
        assert collection.examples[0].spans == ((first, first + 1),)


def test_answers_outside_the_window_are_left_out_and_so_are_questions_with_no_other(
    tokenizer: Tokenizer,
) -> None:
    context = " ".join(["Anna", *["lamp"] * 60, "Carl"])
    both = SquadQuestion("a", "Who?", (("Anna", 0), ("Carl", len(context) - 4)))
    nowhere = SquadQuestion("b", "Who lit it?", (("Dora", 0),))
    far = SquadQuestion("c", "Who wrote?", ((context, 0),))  # longer than any window
    blank = SquadQuestion("d", " ", (("Anna", 0),))
    empty = SquadQuestion("e", "What?", (("", 2),))
    paragraph = SquadParagraph("t", 0, context, (both, nowhere, far, blank, empty))
    collection = cut_examples([paragraph], tokenizer, limit=20)
    assert [e.text for e in collection.examples] == ["Who?"]
    assert span_texts(collection, collection.examples[0]) == ["Anna"]


def test_a_question_that_its_paragraph_does_not_answer_is_an_example_without_spans(
    tokenizer: Tokenizer,
) -> None:
    asked = SquadQuestion("q", "Who lit it?", ())
    paragraph = replace(long_paragraph(40, 17), questions=(asked,))
    collection = cut_examples([long_paragraph(5, 2), paragraph], tokenizer, limit=20)
    example = collection.examples[1]
    assert (example.text, example.spans, example.gold) == ("Who lit it?", (), 1)


@pytest.mark.parametrize(("said", "place"), [(0, 0), (1, 0), (-5, 0), (23, 23), (12, 23), (90, 23)])
def test_an_answer_that_is_not_where_it_is_said_to_be_is_looked_for_near_there(
    tokenizer: Tokenizer, said: int, place: int
) -> None:
    context = "Anna lit the lamp, and Anna left."
    asked = SquadQuestion("q", "Who?", (("Anna", said),))
    collection = cut_examples([SquadParagraph("t", 0, context, (asked,))], tokenizer, limit=100)
    ((first, last),) = collection.examples[0].spans
    offsets = collection.windows[0].offsets
    assert (offsets[first, 0], offsets[last, 1]) == (place, place + 4)


def test_a_long_question_is_cut(tokenizer: Tokenizer) -> None:
    paragraph = long_paragraph(5, 2)
    asked = SquadQuestion("q", "Who " * 100, paragraph.questions[0].answers)
    collection = cut_examples(
        [SquadParagraph("t", 0, paragraph.context, (asked,))], tokenizer, limit=20
    )
    assert len(collection.examples[0].question) == 64


def test_a_paragraph_of_nothing_has_no_window(tokenizer: Tokenizer) -> None:
    blank = SquadParagraph("t", 0, " \n", (SquadQuestion("q", "Who?", (("", 0),)),))
    collection = cut_examples([blank], tokenizer, limit=20)
    assert collection.windows == collection.examples == []


@pytest.mark.parametrize("share", [0.1, 0.3])
def test_about_its_share_of_paragraphs_is_held_back_by_their_text_alone(share: float) -> None:
    contexts = [f"Paragraph number {i} of the town." for i in range(4000)]
    held = [is_tune(context, share) for context in contexts]
    # Four standard deviations of a binomial.
    assert abs(np.mean(held) - share) < 4 * (share * (1 - share) / 4000) ** 0.5
    assert held == [is_tune(context, share) for context in contexts]
    assert all(is_tune(c, share) for c in contexts if is_tune(c, share / 2)), "shares are nested"


def test_the_split_does_not_change_between_releases() -> None:
    # A checkpoint's quality was measured on this split: another hash would leak.
    held = [i for i in range(60) if is_tune(f"paragraph {i}")]
    assert held == [32, 43]


def test_of_a_long_question_the_beginning_is_kept(
    tokenizer: Tokenizer, paragraphs: list[SquadParagraph]
) -> None:
    whole = cut_examples(paragraphs, tokenizer, limit=100)
    cut = cut_examples(paragraphs, tokenizer, limit=100, question_limit=3)
    assert max(len(example.question) for example in whole.examples) > 3
    for short, long in zip(cut.examples, whole.examples, strict=True):
        assert short.question.tolist() == long.question[:3].tolist()


def test_a_share_of_the_questions_is_put_as_people_type_them(
    paragraphs: list[SquadParagraph],
) -> None:
    many = [
        replace(
            p,
            questions=tuple(replace(q, id=f"{q.id}/{n}") for n in range(100) for q in p.questions),
        )
        for p in paragraphs
    ]
    put = [q for p in as_typed(many, 0.3) for q in p.questions]
    plain = [q for p in many for q in p.questions]
    changed = [new for old, new in zip(plain, put, strict=True) if new != old]
    assert 0.24 < len(changed) / len(plain) < 0.36  # of 600
    assert {q.answers for q in changed} <= {q.answers for q in plain}
    assert any(q.question.isupper() for q in changed)
    assert [q for p in as_typed(many, 0.3) for q in p.questions] == put
    assert as_typed(many, 0.0) == many
