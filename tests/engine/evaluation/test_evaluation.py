"""What is measured: the reader alone, the whole path, and the cache against none, by hand."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest

from engine.answering.question import prepare_question
from engine.answering.results import RankingTrace, SearchResult
from engine.checkpoint import Checkpoint, load_checkpoint
from engine.datasets.squad import SquadParagraph, SquadQuestion
from engine.errors import QuestionError
from engine.evaluation.reading import Prediction, predict, score
from engine.evaluation.searching import RightPassage, evaluate_search
from engine.evaluation.speed import compare
from engine.reading.read import ReadingOptions
from engine.retrieval.folder.backend import FolderBackend
from engine.search import SearchEngine


def question(*answers: str, text: str = "Who?") -> SquadQuestion:
    return SquadQuestion(text, text, tuple((answer, 0) for answer in answers))


def prediction(text: str, *answers: str, margin: float = 1.0) -> Prediction:
    return Prediction(question(*answers), text, margin)


def test_the_reader_s_em_and_f1_are_means_in_per_cent() -> None:
    predictions = [
        prediction("the Dora Reed", "Dora Reed"),  # EM 1, F1 1: articles don't count
        prediction("Dora Reed of Stone", "Dora Reed", "Reed"),  # P 2/4, R 2/2: F1 2/3
        prediction("1903", "1872"),  # nothing
    ]
    measured = score(predictions)
    assert measured == pytest.approx({"em": 100 / 3, "f1": 100 * (1 + 2 / 3) / 3, "questions": 3})


def test_a_span_below_the_margin_answers_nothing_only_where_the_file_has_such_questions() -> None:
    unsure = prediction("Dora Reed", "Dora Reed", margin=-2.0)
    assert score([unsure], null_threshold=0.0)["em"] == 100
    with_null = [unsure, prediction("Anna", margin=-1.0), prediction("Carl", margin=3.0)]
    measured = score(with_null, null_threshold=0.0)
    # Two are taken for unanswered, of which one is; another one isn't found.
    none = {"margin": 0.0, "precision": 0.5, "recall": 0.5, "f1": 0.5}
    assert measured.pop("no_answer") == none
    assert measured == pytest.approx(
        {
            "em": 100 / 3,
            "f1": 100 / 3,
            "questions": 3,
            "has_answer_f1": 0.0,  # the answered one is taken for unanswered
            "no_answer_accuracy": 50.0,
        }
    )
    lower = score(with_null, null_threshold=-1.5)
    assert lower["no_answer_accuracy"] == 0
    assert score(with_null, null_threshold=-5.0)["has_answer_f1"] == 100


CONTEXT = "The lighthouse at Stone Point was designed by Dora Reed. Its lamp was lit in 1872."


def test_predictions_are_spans_of_the_context_in_the_questions_order(model: Checkpoint) -> None:
    questions = (question("Dora Reed", text="Who?"), question(text="Where is the lighthouse?"))
    paragraphs = [
        SquadParagraph("Lights", 0, CONTEXT, questions),
        SquadParagraph("Lights", 1, "No one asks.", ()),
        SquadParagraph("Lights", 2, "One word.", (question(text="What?"),)),
    ]
    predictions = list(predict(model.reader, model.tokenizer, paragraphs, model.reading))
    assert [p.question.question for p in predictions] == ["Who?", questions[1].question, "What?"]
    assert all(p.text and p.text in CONTEXT for p in predictions[:2])
    assert predictions[2].text in "One word."


def test_predicting_reads_only_the_window_and_never_beyond_the_positions(
    model: Checkpoint,
) -> None:
    long = SquadParagraph("Long", 0, 40 * f"{CONTEXT} ", (question(text="Who?"),))
    assert len(model.tokenizer.encode(long.context)) > model.reader.encoder.config.positions
    assert next(predict(model.reader, model.tokenizer, [long])).text
    pieces = model.tokenizer.encode(long.context)
    (narrow,) = predict(model.reader, model.tokenizer, [long], ReadingOptions(window=1))
    assert narrow.text in {long.context[start:end] for start, end in pieces.offsets}


@pytest.mark.parametrize("context", ["", "  \n"])
def test_a_context_without_a_word_is_answered_with_nothing(model: Checkpoint, context: str) -> None:
    paragraph = SquadParagraph("Empty", 0, context, (question(), question("Dora")))
    predictions = list(predict(model.reader, model.tokenizer, [paragraph]))
    assert [p.text for p in predictions] == ["", ""]
    assert score(predictions)["em"] == 50


def test_the_right_passage_is_part_of_the_paragraph_or_holds_it_white_space_aside() -> None:
    is_right = RightPassage()
    assert is_right("lit in\n1872", "Its lamp was lit in 1872.")
    assert is_right("Lights. Its lamp  was lit in 1872. Then", "Its lamp was lit\r\nin 1872.")
    assert not is_right("Its lamp was lit in 1873.", "Its lamp was lit in 1872.")


def test_a_passage_across_two_paragraphs_is_right_where_its_share_holds_an_answer() -> None:
    is_right = RightPassage()
    paragraph = "Its lamp was lit in 1872 and burned oil. A lens came in 1903 from Paris."
    before = "The tower is of granite. Its lamp was lit in 1872 and burned oil."
    after = "burned oil. A lens came in 1903\nfrom Paris. The keeper lived below."
    assert is_right(before, paragraph, ["1872"])
    assert not is_right(before, paragraph, ["1903"])
    assert is_right(after, paragraph, ["Paris"])
    assert not is_right(after, paragraph, ["below"]), "that's the other paragraph's part"
    assert not is_right(before, paragraph), "without an answer it can't be told"


@dataclass
class StubEngine:
    """Answers as told; a passage's key is its place in `texts`."""

    texts: list[str]
    results: dict[str, SearchResult] = field(default_factory=dict)

    def ask(self, question: str, *, passages: int, min_confidence: float | None) -> SearchResult:
        assert passages == 20
        assert min_confidence in (None, 0.3)
        if not question:
            raise QuestionError("the question is empty")
        return self.results[question]

    @property
    def backend(self) -> SimpleNamespace:
        snapshot = SimpleNamespace(
            fetch=lambda keys: [SimpleNamespace(key=key, text=self.texts[key]) for key in keys]
        )
        return SimpleNamespace(snapshot=lambda: nullcontext(snapshot))


def result(answer: str, ms: float, *, no_answer: bool = False, **trace: list[int]) -> SearchResult:
    answers = (SimpleNamespace(text=answer, confidence=0.75),) if answer else ()
    ranked = RankingTrace(**{name: tuple(keys) for name, keys in trace.items()})
    return SearchResult(
        "?", answers, (), no_answer, 0.0, {"total": ms}, trace=ranked, min_confidence=0.3
    )


def test_recall_mrr_answers_and_latency_are_those_worked_out_by_hand() -> None:
    engine = StubEngine([f"passage {letter}." for letter in "abcdefghijkl"])
    far = [*range(1, 12), 0]  # the right one, a, is 12th: beyond the ten of MRR
    engine.results = {
        "first": result("gold", 10, bm25=[0, 1], dense=far, hybrid=[1, 0], reranked=[0]),
        "second": result("gold it is", 20, bm25=[1], dense=[], hybrid=[1, 2, 0], reranked=[1, 0]),
    }
    paragraph = SquadParagraph(
        "", 0, "passage a.", (question("gold", text="first"), question("gold", text="second"))
    )
    progress: list[int] = []
    measured = evaluate_search(engine, [paragraph], on_progress=progress.append)  # type: ignore
    assert progress == [1, 2]

    def ranking(one: float, five: float, twenty: float, mrr: float) -> dict[str, float]:
        return {"recall@1": one, "recall@5": five, "recall@20": twenty, "mrr@10": mrr}

    assert measured["retrieval"] == {
        "bm25": ranking(0.5, 0.5, 0.5, 0.5),  # ranks 1 and none
        "dense": ranking(0, 0, 0.5, 0),  # 12 and none
        "hybrid": ranking(0, 1, 1, pytest.approx((1 / 2 + 1 / 3) / 2)),  # 2 and 3
        "reranked": ranking(0.5, 1, 1, 0.75),  # 1 and 2
    }
    # Exact once; three words for one: precision 1/3, recall 1, F1 1/2.
    assert measured["end_to_end"] == {"em": 50, "f1": pytest.approx(75)}
    # Both answers share half of their words with the right one, and were 0.75 sure.
    assert measured["calibration_error"] == pytest.approx(0.25)
    assert measured["questions"] == 2
    # Linear between the two: half way, and 19 twentieths.
    assert measured["latency_ms"] == pytest.approx({"p50": 15, "p95": 19.5})


def test_unanswered_questions_count_towards_answers_but_have_no_right_passage() -> None:
    engine = StubEngine(["passage a."])
    ranks = {"bm25": [0], "dense": [0], "hybrid": [0], "reranked": [0]}
    engine.results = {
        "has": result("gold", 1, **ranks),
        "rightly none": result("odd", 1, no_answer=True, **ranks),
        "wrongly some": result("odd", 1, **ranks),
        "no passages": result("", 1, no_answer=True, **ranks),
    }
    questions = (
        question("gold", text="has"),
        *(question(text=t) for t in list(engine.results)[1:]),
    )
    paragraph = SquadParagraph("", 0, "passage a.", questions)
    measured = evaluate_search(engine, [paragraph], min_confidence=0.3)  # type: ignore[arg-type]
    # Said of two, rightly, where three have none.
    none = {"min_confidence": 0.3, "precision": 1, "recall": pytest.approx(2 / 3)}
    assert measured["no_answer"] == {**none, "f1": pytest.approx(4 / 5)}
    (row,) = measured["reliability"]
    assert row == {"from": 0.7, "to": 0.8, "answers": 3, "confidence": 0.75, "right": 1 / 3}
    assert measured["end_to_end"] == {"em": 75, "f1": 75}
    assert measured["retrieval"]["bm25"]["recall@1"] == 1  # of the one that has an answer
    assert measured["calibration_error"] == pytest.approx(0.75 - 1 / 3)  # one of three is right


def test_a_question_without_a_word_finds_nothing_and_stops_nothing() -> None:
    engine = StubEngine(["passage a."])
    ranks = {"bm25": [0], "dense": [0], "hybrid": [0], "reranked": [0]}
    engine.results = {"has": result("gold", 5, **ranks)}
    questions = (question("gold", text=""), question("gold", text="has"), question(text=""))
    measured = evaluate_search(  # type: ignore[arg-type]
        engine, [SquadParagraph("", 0, "passage a.", questions)]
    )
    assert measured["questions"] == 3
    assert measured["retrieval"]["reranked"]["recall@1"] == 0.5
    assert measured["end_to_end"]["em"] == pytest.approx(200 / 3)  # nothing is right for the last
    assert measured["latency_ms"] == {"p50": 5, "p95": 5}


def test_where_every_question_has_an_answer_the_best_span_counts_though_null_is_likelier() -> None:
    engine = StubEngine(["passage a."])
    ranks = {"bm25": [0], "dense": [0], "hybrid": [0], "reranked": [0]}
    engine.results = {"has": result("gold", 7, no_answer=True, **ranks)}
    paragraph = SquadParagraph("", 0, "passage a.", (question("gold", text="has"),))
    measured = evaluate_search(engine, [paragraph])  # type: ignore[arg-type]
    assert measured["end_to_end"]["em"] == 100
    assert measured["latency_ms"] == {"p50": 7, "p95": 7}


def test_only_the_uncached_path_runs_the_passages_through_the_lower_layers(
    index_folder: Path, model: Checkpoint
) -> None:
    asked = "Who designed the lighthouse?"
    tokens: list[int] = []
    with SearchEngine(FolderBackend.open(index_folder), model) as engine:
        hook = model.reader.encoder.lower[0].register_forward_hook(
            lambda _, inputs, __: tokens.append(len(inputs[0]))
        )
        try:
            measured = compare(engine, [asked], passages=4)
        finally:
            hook.remove()
        of_question = len(prepare_question(asked, engine.checkpoint).pieces) + 2
    of_passages = int(measured["tokens"]) + 4  # a closing [SEP] each
    # To retrieve; then each path twice, once to warm up: the cached one, then the other.
    cached, uncached = [of_question], [of_question, of_passages]
    assert tokens == [of_question, *cached, *uncached, *cached, *uncached]


def test_the_ratios_are_of_the_paths_in_turn(
    index_folder: Path,
    model: Checkpoint,
    make_model: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With a clock of our own: 2 s cached, of which half loading, 6 s uncached, 9 s teacher."""
    teacher = load_checkpoint(make_model(lower=(), upper=(1, 2, 3, 4)))
    now = [0.0]

    def spend(seconds: float, value: float) -> float:
        now[0] += seconds
        return value

    monkeypatch.setattr("time.perf_counter", lambda: now[0])
    monkeypatch.setattr("engine.evaluation.speed._read_cached", lambda *_: spend(2.0, 1.0))
    monkeypatch.setattr(
        "engine.evaluation.speed.read_load",
        lambda checkpoint, *_, **__: spend(9.0 if checkpoint is teacher else 6.0, 0.0),
    )
    with SearchEngine(FolderBackend.open(index_folder), model) as engine:
        measured = compare(engine, ["the lamp?", "the bridge?"], passages=3, teacher=teacher)
    assert (measured["cached_ms"], measured["uncached_ms"]) == (2000, 6000)
    assert (measured["teacher_ms"], measured["load_ms"]) == (9000, 1000)
    assert (measured["ratio"], measured["teacher_ratio"]) == (3.0, 4.5)
    assert measured["passages"] == 3
    assert measured["dtype"] == "float32"
