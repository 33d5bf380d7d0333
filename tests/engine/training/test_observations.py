"""What calibration sees of questions asked of an index."""

from pathlib import Path

import pytest
import torch

from engine.checkpoint import Checkpoint
from engine.datasets.squad import SquadParagraph, SquadQuestion
from engine.retrieval.folder.backend import FolderBackend
from engine.search import SearchEngine
from engine.training.observations import Observation, first_answer, observe

QUESTION = "Who designed the lighthouse?"
OTHER = "When was the bridge opened?"


def asked(engine: SearchEngine, *questions: SquadQuestion) -> list[Observation]:
    context = engine.ask(QUESTION).answers[0].passage.text
    return observe(engine, [SquadParagraph("", 0, context, questions)])


def test_a_question_is_observed_with_its_right_passages_and_correct_spans_marked(
    index_folder: Path, model: Checkpoint
) -> None:
    with SearchEngine(FolderBackend.open(index_folder), model) as engine:
        result = engine.ask(QUESTION)
        best = result.answers[0]
        answered, unanswered = asked(
            engine,
            SquadQuestion("1", QUESTION, ((best.text, 0),)),
            SquadQuestion("2", OTHER, ()),
        )
    n = len(result.passages)
    assert answered.features.shape == (n, 4)
    assert answered.reading.spans.score.shape == answered.correct.shape
    assert answered.right.sum() == 1
    assert answered.correct.any()
    assert (answered.answered, unanswered.answered) == (True, False)
    assert not unanswered.correct.any()
    assert not unanswered.right.any(), "its paragraph is no place to look for an answer"
    # The first answer is the one that the search gives.
    first = first_answer(answered, model.settings.calibration)
    assert first.right
    assert first.confidence == pytest.approx(best.confidence, abs=1e-5)
    assert first.null == pytest.approx(result.no_answer_confidence, abs=1e-5)


def test_what_is_observed_can_be_fitted_to(index_folder: Path, model: Checkpoint) -> None:
    with SearchEngine(FolderBackend.open(index_folder), model) as engine:
        (one,) = asked(engine, SquadQuestion("1", QUESTION, (("Dora Reed", 0),)))
    weights = torch.ones(4, requires_grad=True)
    (one.features @ weights).sum().backward()
    assert weights.grad is not None


def test_a_question_answered_by_another_paragraph_has_an_answer(
    index_folder: Path, model: Checkpoint
) -> None:
    """As corrections have it: of two verdicts on a question, one says "wrong passage"."""
    progress: list[int] = []
    questions = SquadQuestion("1", QUESTION, ()), SquadQuestion("2", OTHER, ())
    answered = SquadQuestion("3", QUESTION, (("Dora Reed", 0),))
    wordless = SquadQuestion("4", "?!", ())
    paragraphs = [
        SquadParagraph("", 0, "No passage of the index.", (*questions, wordless)),
        SquadParagraph("", 1, "Nor this one.", (answered,)),
    ]
    with SearchEngine(FolderBackend.open(index_folder), model) as engine:
        found = observe(engine, paragraphs, on_progress=progress.append)
    assert [o.answered for o in found] == [False, True]
    assert progress == [1, 2, 3, 4]
    assert not found[1].right.any()
