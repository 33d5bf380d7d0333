"""Yes/no questions to an index: one softmax over what all passages say, and where it stands."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from engine.answering.answers import boolean_probabilities, give_verdict
from engine.answering.results import PassageHit
from engine.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from engine.commands.main import app
from engine.datasets.questions import BooleanQuestion
from engine.errors import CheckpointError
from engine.evaluation.tasks import evaluate_verdicts
from engine.retrieval.folder.backend import FolderBackend
from engine.retrieval.fusion import Ranks
from engine.search import SearchEngine
from indexer.build import BuildOptions, build_index

ASKED = "Was the lamp first lit in 1872?"


def hit(number: int) -> PassageHit:
    text = f"passage {number}"
    return PassageHit(
        id=str(number), document="d", source="d.txt", title="", text=text, start=10 * number,
        end=10 * number + len(text), score=0.0, ranks=Ranks(),
    )  # fmt: skip


HITS = [hit(number) for number in range(3)]


def logs(*rows: tuple[float, float]) -> torch.Tensor:
    """Logits as logarithms of odds against neither, (passages, 2) of no and yes."""
    return torch.tensor(rows).log()


def test_no_and_yes_of_all_passages_and_neither_share_one() -> None:
    each, neither = boolean_probabilities(logs((1.0, 3.0), (0.5, 4.5)))
    torch.testing.assert_close(each, torch.tensor([[0.1, 0.3], [0.05, 0.45]]))
    assert float(neither) == pytest.approx(0.1)


def test_the_verdict_is_what_all_passages_together_make_likelier() -> None:
    # No: 1 + 1 + 3.5 = 5.5; yes: 4 of one passage alone, which says so loudest.
    verdict = give_verdict(logs((1.0, 4.0), (1.0, 1e-9), (3.5, 1e-9)), HITS, min_confidence=0.25)
    assert verdict is not None
    assert verdict.text == "no"
    assert verdict.confidence == pytest.approx(5.5 / 10.5)
    assert [place.text for place in verdict.evidence] == ["passage 2", "passage 0", "passage 1"]
    assert verdict.evidence[0].confidence == pytest.approx(3.5 / 10.5)
    first = verdict.evidence[0]
    assert (first.start, first.end, first.passage) == (20, 29, HITS[2])


def test_passages_that_hardly_say_so_are_no_evidence() -> None:
    verdict = give_verdict(logs((0.1, 10.0), (0.1, 0.9), (0.1, 1.1)), HITS, min_confidence=0.25)
    assert verdict is not None
    assert [place.text for place in verdict.evidence] == ["passage 0", "passage 2"]


def test_less_sure_than_asked_for_or_than_neither_is_no_verdict() -> None:
    seven_tenths = logs((1.0, 7.0), (0.5, 1e-9), (0.5, 1e-9))
    assert give_verdict(seven_tenths, HITS, min_confidence=0.69) is not None
    assert give_verdict(seven_tenths, HITS, min_confidence=0.71) is None
    # Yes .4, no .1, neither .5.
    assert give_verdict(logs((0.2, 0.8)), HITS[:1], min_confidence=0.0) is None


@pytest.fixture(scope="module")
def model_with_head(make_model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = load_checkpoint(make_model(), dtype=torch.float32)
    torch.manual_seed(1)
    made.reader.add_head("boolean")
    with torch.no_grad():
        made.reader.more["boolean"].bias.add_(torch.tensor([0.0, 100.0]))  # always yes
    folder = tmp_path_factory.mktemp("boolean") / "model"
    save_checkpoint(made.reader, made.tokenizer, made.settings, folder)
    return folder


@pytest.fixture(scope="module")
def index(model_with_head: Path, documents_folder: Path, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("verdicts") / "index"
    build_index([documents_folder], folder, load_checkpoint(model_with_head), BuildOptions())
    return folder


@pytest.fixture(scope="module")
def engine(index: Path, model_with_head: Path) -> Iterator[SearchEngine]:
    with SearchEngine.open(index, model=model_with_head) as engine:
        yield engine


def test_a_yes_no_question_has_a_verdict_with_a_passage_of_the_documents(
    engine: SearchEngine,
) -> None:
    result = engine.ask(ASKED)
    assert result.verdict is not None
    assert result.verdict.text == "yes"
    assert 0.99 < result.verdict.confidence <= 1
    for place in result.verdict.evidence:
        text = engine.document(place.passage.document).text
        assert text[place.start : place.end] == place.text == place.passage.text


def test_a_verdict_changes_nothing_else(engine: SearchEngine) -> None:
    asked, plain = (engine.ask(q).to_dict() for q in (ASKED, ASKED.replace("Was", "When was")))
    assert asked.keys() == plain.keys()
    assert plain["verdict"] is None
    for answer in asked["answers"]:
        assert answer["text"] in answer["passage"]


def test_a_question_for_something_else_has_no_verdict(engine: SearchEngine) -> None:
    assert engine.ask("When was the lamp first lit?").verdict is None
    assert engine.ask(ASKED, filters=["type=pdf"]).verdict is None, "without passages neither"


def test_a_checkpoint_without_the_head_gives_none(index_folder: Path, model: Checkpoint) -> None:
    with SearchEngine(FolderBackend.open(index_folder), model) as engine:
        result = engine.ask(ASKED)
        with pytest.raises(CheckpointError, match="engine train boolean"):
            evaluate_verdicts(engine, [BooleanQuestion(ASKED, "", "", True)])
    assert result.verdict is None
    assert result.to_dict()["verdict"] is None


def test_ask_says_yes_first_with_the_passage_and_then_the_spans(
    run_command, index: Path, model_with_head: Path
) -> None:
    arguments = ("ask", ASKED, "--index", index, "--model", model_with_head)
    verdict = run_command(app, *arguments, "--json").json["verdict"]
    assert verdict.keys() == {"text", "confidence", "evidence"}
    assert {"text", "source", "start", "end", "document"} <= verdict["evidence"][0].keys()
    printed = run_command(app, *arguments).out
    assert printed.startswith("Yes   [")
    assert printed.index(verdict["evidence"][0]["source"]) < printed.index("1. ")
    assert "No answer found" not in printed


def test_an_index_is_evaluated_by_its_verdicts(
    run_command, index: Path, model_with_head: Path, tmp_path: Path
) -> None:
    passage = "The lighthouse at Stone Point was designed by Dora Reed. Its lamp was lit in 1872."
    asked = [(ASKED, True), ("Is the lamp of gold?", False), ("Who lit the lamp?", True)]
    path = tmp_path / "boolq.jsonl"
    records = ({"question": q, "passage": passage, "answer": answer} for q, answer in asked)
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    arguments = ("evaluate", path, "--index", index, "--model", model_with_head, "--json")
    measured = run_command(app, *arguments).json
    # Yes twice, once rightly; the third isn't a yes/no question.
    third = pytest.approx(100 / 3)
    wanted = {"accuracy": third, "majority": pytest.approx(200 / 3), "right_of_given": 50}
    assert {name: measured[name] for name in wanted} == wanted
    assert (measured["given"], measured["questions"]) == (pytest.approx(200 / 3), 3)
