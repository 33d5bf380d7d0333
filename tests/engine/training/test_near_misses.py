"""Near misses beside answered questions."""

from engine.datasets.squad import SquadParagraph, SquadQuestion
from engine.training.near_misses import near_misses, with_near_misses


def asked(number: int, context: str, *questions: tuple[str, str]) -> SquadParagraph:
    found = tuple(
        SquadQuestion(f"{number}-{n}", text, ((answer, context.index(answer)),) if answer else ())
        for n, (text, answer) in enumerate(questions)
    )
    return SquadParagraph("Town", number, context, found)


TOWER = asked(
    0,
    "The tower was built in 1884 by Ada Quill. The dose for children was unknown then.",
    ("Who built the tower in 1884?", "Ada Quill"),
    ("Was the tower built in 1884?", "1884"),
    ("Who built the tower in 1890?", ""),
    ("Who built the tower, Ada Quill or her son in 1884?", "Ada Quill"),
    ("What was tall?", "tower"),
)


def test_an_answered_question_gets_one_that_has_no_answer_beside_it() -> None:
    [made] = near_misses([TOWER], 1.0)
    [near] = made.questions
    assert (near.id, near.answers) == ("0-0/near-number", ())
    assert near.question.startswith("Who built the tower in 18")
    assert "1884" not in near.question
    [both] = with_near_misses([TOWER], 1.0)
    assert both.questions == (*TOWER.questions, near)
    assert with_near_misses([TOWER], 0.0) == [TOWER]


def test_a_share_is_made_always_the_same() -> None:
    many = [
        asked(n, f"Ada Quill built the tower in 1884, says page {n}.", ("Who did in 1884?", "Ada"))
        for n in range(300)
    ]
    made = near_misses(many, 0.3)
    assert 60 < sum(len(p.questions) for p in made) < 120
    assert near_misses(many, 0.3) == made


def test_a_question_goes_to_another_passage_that_speaks_of_the_same() -> None:
    own = asked(
        0,
        "In that winter Ottoline Vane painted her garden in Kessel with thick green oil.",
        ("With what did Ottoline Vane paint her garden?", "thick green oil"),
    )
    answers_too = asked(1, "In Kessel Ottoline Vane used thick green oil for her whole garden.")
    alike = asked(2, "A year later Ottoline Vane sold the house and garden, and moved to Paris.")
    other = asked(3, "A year later the mayor sold his house with its garden and moved away.")
    made = near_misses([own, answers_too, alike, other], 1.0)
    assert [len(p.questions) for p in made] == [0, 0, 1, 0]
    assert made[2].questions == (
        SquadQuestion("0-0/near-look-alike", own.questions[0].question, ()),
    )


def test_in_other_languages_numbers_alone_are_exchanged() -> None:
    text = "Der Turm wurde im Jahre 1884 von Ada Quill erbaut und steht noch heute am Marktplatz."
    german = asked(
        0, text, ("Wer baute 1884 den Turm?", "Ada Quill"), ("Wer ist Ada Quill?", "von")
    )
    [made] = near_misses([german], 1.0)
    assert [question.id for question in made.questions] == ["0-0/near-number"]
    assert near_misses([], 1.0) == []
