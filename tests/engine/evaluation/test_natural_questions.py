"""Natural Questions scored by the official rules, worked out by hand, and read from whole pages."""

import math
from collections.abc import Callable

import pytest
import torch

from engine.datasets.natural_questions import Annotation, NaturalQuestion, Place
from engine.evaluation.natural_questions import PageAnswer, find_in_page, score_pages
from engine.reading.read import ReadingOptions
from engine.reading.reader import Reader
from engine.text.tokenization import Tokenizer

LONG, OTHER = (0, 10), (10, 20)


def asked(*annotations: Annotation) -> NaturalQuestion:
    return NaturalQuestion("1", "who", ("word",) * 20, (LONG, OTHER), annotations)


def found(long: Place | None = LONG, *short: Place, yes: bool | None = None) -> Annotation:
    return Annotation(long, short, yes)


NONE = Annotation(None, (), None)


def test_one_of_five_is_no_answer_two_of_five_are_one() -> None:
    predicted = [PageAnswer(LONG, 1.0, ((1, 2),), 1.0)]
    one = asked(found(LONG, (1, 2)), NONE, NONE, NONE, NONE)
    scored = score_pages([one], predicted)
    # Nothing to find, so what was said is wrong, though an annotator agrees.
    assert scored["long"]["every"] == {"precision": 0, "recall": 0, "f1": 0}
    two = asked(found(LONG, (1, 2)), found(OTHER), NONE, NONE, NONE)
    assert score_pages([two], predicted)["long"]["f1"] == 100
    assert score_pages([two], predicted)["short"]["f1"] == 0, "one of five found a short one"
    alone = score_pages([asked(found(LONG, (1, 2)))], predicted)
    assert alone["long"]["f1"] == alone["short"]["f1"] == 100


def test_a_long_answer_is_right_as_a_place_any_annotator_marked() -> None:
    question = asked(found(LONG), found(OTHER), NONE, NONE, NONE)
    for long, f1 in ((LONG, 100), (OTHER, 100), ((0, 9), 0), (None, 0)):
        assert score_pages([question], [PageAnswer(long, 1.0)])["long"]["f1"] == f1


def test_short_answers_are_right_as_a_whole_set_of_one_annotator() -> None:
    question = asked(found(LONG, (1, 2), (4, 5)), found(LONG, (7, 9)))
    for short, f1 in (
        (((4, 5), (1, 2)), 100),
        (((7, 9),), 100),
        (((1, 2),), 0),
        (((1, 2), (4, 5), (7, 9)), 0),
        ((), 0),
    ):
        scored = score_pages([question], [PageAnswer(LONG, 1.0, short, 1.0)])
        assert scored["short"]["f1"] == f1


def test_yes_and_no_are_short_answers_and_count_before_spans() -> None:
    question = asked(found(yes=True), found(LONG, (1, 2)))
    for yes, f1 in ((True, 100), (False, 0)):
        answer = PageAnswer(LONG, 1.0, ((1, 2),), 1.0, yes)
        assert score_pages([question], [answer])["short"]["f1"] == f1


def test_f1_is_the_best_over_scores_and_that_of_all_stands_beside_it() -> None:
    # Right, wrong where there's one, wrong where there's none, right; one that isn't answered.
    questions = [asked(found()), asked(found()), asked(NONE), asked(found()), asked(found())]
    answers = [
        PageAnswer(LONG, 5.0),
        PageAnswer(OTHER, 4.0),
        PageAnswer(LONG, 3.0),
        PageAnswer(LONG, 2.0),
        PageAnswer(None, 9.0),
    ]
    long = score_pages(questions, answers)["long"]
    # Of 4 to be found: 1 of 1 said (.4), 1 of 2, 1 of 3, 2 of 4 (.5): the last is the best.
    assert (long["precision"], long["recall"], long["f1"]) == pytest.approx((50, 50, 50))
    assert long["threshold"] == 2.0
    assert long["every"]["f1"] == pytest.approx(50)
    # Without the last: 1 of 1 said, of 3 to be found.
    less = score_pages(questions[:3] + questions[4:], answers[:3] + answers[4:])["long"]
    assert (less["precision"], less["recall"]) == pytest.approx((100, 100 / 3))
    assert (less["f1"], less["threshold"]) == (pytest.approx(50), 5.0)
    assert less["every"]["precision"] == pytest.approx(100 / 3)


def test_predictions_of_one_score_stand_or_fall_together() -> None:
    questions = [asked(found()), asked(NONE)]
    for order in (1, -1):
        both = [PageAnswer(LONG, 1.0), PageAnswer(LONG, 1.0)][::order]
        assert score_pages(questions[::order], both)["long"]["precision"] == 50


def test_nothing_to_score_is_nought() -> None:
    scored = score_pages([], [])
    assert scored["questions"] == 0
    assert scored["long"]["f1"] == 0
    assert scored["long"]["threshold"] is None


def page(text: str, *candidates: Place, who: str = "Who") -> NaturalQuestion:
    return NaturalQuestion("1", f"{who} lit the lamp?", tuple(text.split(" ")), candidates, ())


def test_the_surest_span_of_a_page_comes_with_the_candidate_that_holds_it(
    make_reader: Callable[..., Reader], tokenizer: Tokenizer
) -> None:
    question = page("<P> Anna Bell lit it </P> <P> Carl Stone stood long </P>", (0, 6), (6, 12))
    answer = find_in_page(make_reader(), tokenizer, question, ReadingOptions(dtype=torch.float32))
    assert answer.long in question.candidates
    ((start, end),) = answer.short
    assert answer.long is not None
    assert answer.long[0] < start < end < answer.long[1]
    assert not any(token.startswith("<") for token in question.tokens[start:end])
    each = [
        find_in_page(make_reader(), tokenizer, page(" ".join(question.tokens), place))
        for place in question.candidates
    ]
    best = max(each, key=lambda a: a.long_score)
    assert answer.long == best.long
    assert answer.long_score == pytest.approx(best.long_score, rel=0.05)


def test_a_long_candidate_is_read_in_windows(
    make_reader: Callable[..., Reader], tokenizer: Tokenizer
) -> None:
    question = page("the lamp " * 60 + "lit", (0, 121))
    answer = find_in_page(make_reader(), tokenizer, question, ReadingOptions(window=30))
    assert answer.long == (0, 121)
    ((start, end),) = answer.short
    assert 0 <= start < end <= 121


def test_a_page_of_tags_has_no_answer(
    make_reader: Callable[..., Reader], tokenizer: Tokenizer
) -> None:
    for question in (page("<P> </P>", (0, 2)), page("lit")):
        answer = find_in_page(make_reader(), tokenizer, question)
        assert answer == PageAnswer(None, -math.inf, (), -math.inf)


def test_yes_or_no_takes_the_place_of_the_span_where_the_head_is_sure(
    make_reader: Callable[..., Reader], tokenizer: Tokenizer
) -> None:
    reader = make_reader()
    reader.add_head("boolean")
    question = page("<P> Anna Bell lit it </P>", (0, 6), who="Was it Anna who")
    for bias, yes in (([-100.0, 100.0], True), ([100.0, -100.0], False), ([-100.0] * 2, None)):
        with torch.no_grad():
            reader.more["boolean"].bias.copy_(torch.tensor(bias))
        answer = find_in_page(reader, tokenizer, question)
        assert answer.yes is yes
        assert (answer.short == ()) == (yes is not None)
    with torch.no_grad():
        reader.more["boolean"].bias.copy_(torch.tensor([-100.0, 100.0]))
    who = find_in_page(reader, tokenizer, page("<P> Anna Bell lit it </P>", (0, 6)))
    assert who.yes is None, "it didn't ask for yes or no"
