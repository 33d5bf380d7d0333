"""Negatives look like an answer to BM25 and hold none."""

from engine.datasets.squad import SquadParagraph, SquadQuestion
from engine.text.tokenization import Tokenizer
from engine.training.examples import ExampleSet, cut_examples
from engine.training.negatives import with_negatives


def collection(
    tokenizer: Tokenizer, contexts: list[str], question: str, answers: list[str]
) -> ExampleSet:
    """The first context is asked."""
    asked = SquadQuestion("q", question, tuple((a, contexts[0].index(a)) for a in answers))
    paragraphs = [
        SquadParagraph("t", n, context, () if n else (asked,)) for n, context in enumerate(contexts)
    ]
    return cut_examples(paragraphs, tokenizer, limit=50)


def test_the_best_ranked_windows_without_an_answer_are_taken_in_their_order(
    tokenizer: Tokenizer,
) -> None:
    contexts = [
        "Anna Bell lit the lamp of the lighthouse.",
        "The old ship stood in the harbour.",  # nothing in common but stop words
        "The lighthouse keeper lit the lamp.",  # three of the question's words
        "The keeper of the mill wrote of a lamp in the year.",  # one
        "The lamp of the lighthouse was built by ANNA BELL!",  # holds the answer
    ]
    examples = collection(tokenizer, contexts, "Who lit lamps, lighthouse?", ["Anna Bell"])
    (example,) = with_negatives(examples).examples
    assert example.negatives == (2, 3)
    assert (example.gold, example.spans) == (0, ((0, 1),))


def test_no_more_are_taken_than_asked_and_windows_stay_as_they_were(tokenizer: Tokenizer) -> None:
    contexts = ["Anna lit it.", *(f"The lamp of year {n}." for n in range(30))]
    examples = collection(tokenizer, contexts, "Who lit the lamp?", ["Anna"])
    mined = with_negatives(examples, per_question=5)
    assert mined.windows is examples.windows
    (example,) = mined.examples
    assert len(set(example.negatives)) == 5
    assert example.gold not in example.negatives


def test_every_answer_counts_and_a_copy_of_the_right_window_is_no_negative(
    tokenizer: Tokenizer,
) -> None:
    contexts = [
        "Anna Bell, the keeper, lit the lamp.",
        "The keeper wrote of the lamp.",  # the second answer
        "The ship had a lamp.",
        "Anna Bell, the keeper, lit the lamp.",
    ]
    examples = collection(tokenizer, contexts, "Who lit the lamp?", ["Anna Bell", "keeper"])
    (example,) = with_negatives(examples).examples
    assert example.negatives == (2,)


def test_a_question_that_its_paragraph_does_not_answer_has_no_negatives(
    tokenizer: Tokenizer,
) -> None:
    contexts = ["Anna lit the lamp.", "The lamp was lit by Carl."]
    (example,) = with_negatives(collection(tokenizer, contexts, "Who lit the lamp?", [])).examples
    assert example.negatives == ()


def test_a_question_of_query_syntax_or_nothing_is_no_error(tokenizer: Tokenizer) -> None:
    contexts = ["Anna lit the lamp.", "The lamp was old."]
    for question in ('lamp AND (title:"', "+-!*^~[lamp TO", "???", "NOT", "*"):
        (example,) = with_negatives(collection(tokenizer, contexts, question, ["Anna"])).examples
        assert set(example.negatives) <= {1}


def test_an_answer_that_is_only_an_article_has_no_negatives_it_could_be_in(
    tokenizer: Tokenizer,
) -> None:
    contexts = ["The lamp was old.", "The lamp of the ship."]
    (example,) = with_negatives(collection(tokenizer, contexts, "Which lamp?", ["The"])).examples
    assert example.negatives == ()
