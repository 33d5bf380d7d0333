"""The whole path over a real index: what is stored, found, read and answered."""

import json
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.answering.answers import probabilities
from engine.answering.asked import Asked
from engine.answering.passages import (
    LoadedPassages,
    load_passages,
    read_passages,
    retrieve_passages,
)
from engine.answering.question import prepare_question
from engine.answering.results import Answer, SearchResult
from engine.checkpoint import Checkpoint, load_checkpoint
from engine.encoder.states import States
from engine.errors import (
    CheckpointMismatchError,
    FilterError,
    ForereadError,
    IndexStoreError,
    QuestionError,
)
from engine.filters import conditions
from engine.reading.cascade import Cascade
from engine.retrieval.folder.backend import FolderBackend
from engine.search import SearchEngine
from indexer.build import BuildOptions, build_index

QUESTIONS = [
    "Who designed the lighthouse?",
    "When was the bridge opened?",
    "What do farmers sell beside the old mill?",
    "Who sailed the ship south?",
    "Кто зажёг лампу?",
]


@pytest.fixture(scope="module")
def engine(index_folder: Path, model: Checkpoint) -> Iterator[SearchEngine]:
    with SearchEngine(FolderBackend.open(index_folder), model) as engine:
        yield engine


def spans(result: SearchResult) -> list[tuple[str, str, int, int]]:
    return [(a.text, a.passage.document, a.start, a.end) for a in result.answers]


def test_states_from_the_store_are_the_computed_ones_in_half_precision(
    engine: SearchEngine, model: Checkpoint
) -> None:
    loaded = load(engine, "the bridge and the lighthouse")
    assert len(loaded.fetched) > 3
    fresh = model.encode_passages([item.passage.pieces for item in loaded.fetched]).hidden
    assert loaded.states.hidden.shape == fresh.shape
    # Half precision keeps 11 bits: rounding is off by at most 2^-11 of a value.
    assert ((loaded.states.hidden - fresh).abs() <= 2**-11 * fresh.abs() + 1e-5).all()


def encode(engine: SearchEngine, question: str) -> States:
    pieces = prepare_question(question, engine.checkpoint).pieces
    return engine.checkpoint.encode_questions([pieces])


def load(engine: SearchEngine, question: str, best: int | None = None) -> LoadedPassages:
    """The `best` of the passages that both retrievers' best twenty come to, in fused order."""
    vectors = engine.checkpoint.vectors(encode(engine, question))
    with engine.backend.snapshot() as snapshot:
        found = retrieve_passages(question, vectors, 20, snapshot).fused[:best]
        return load_passages(found, snapshot, engine.checkpoint)


@pytest.mark.parametrize("question", QUESTIONS)
def test_logits_read_from_the_store_equal_logits_computed_anew(
    engine: SearchEngine, model: Checkpoint, question: str
) -> None:
    encoded, loaded = encode(engine, question), load(engine, question)
    cached = read_passages(question, encoded, loaded, model, engine.calibration()).output
    for row, item in enumerate(loaded.fetched):  # each passage anew and alone
        fresh = model.encode_passages([item.passage.pieces])
        alone = model.read(encoded, fresh, torch.tensor([(0, 0)]))
        mine = cached.packing.sequence == row
        tolerance = {"rtol": 1e-3, "atol": 5e-3}
        torch.testing.assert_close(cached.start[mine], alone.start, **tolerance)
        torch.testing.assert_close(cached.end[mine], alone.end, **tolerance)
        torch.testing.assert_close(cached.null[row], alone.null[0], **tolerance)
        torch.testing.assert_close(cached.relevance[row], alone.relevance[0], **tolerance)
    # The tolerance tells passages apart: their own logits differ by far more.
    assert cached.relevance.std() > 0.05


def test_asking_runs_the_lower_layers_over_the_question_alone(engine: SearchEngine) -> None:
    tokens: list[int] = []
    hook = engine.checkpoint.reader.encoder.lower[0].register_forward_hook(
        lambda _, inputs, __: tokens.append(len(inputs[0]))
    )
    try:
        result = engine.ask(QUESTIONS[0])
    finally:
        hook.remove()
    assert len(result.passages) > 3
    assert tokens == [
        len(prepare_question(QUESTIONS[0], engine.checkpoint).pieces) + 2
    ]  # [CLS] and [SEP]


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_answer_and_its_evidence_stand_where_they_say(
    engine: SearchEngine, documents_folder: Path, question: str
) -> None:
    result = engine.ask(question, top_k=10)
    assert result.answers
    for answer in result.answers:
        check_places(engine, answer)


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_likeliest_span_that_may_be_shown_is_answered(
    engine: SearchEngine, question: str
) -> None:
    loaded = load(engine, question, best=20)
    calibration = engine.calibration()
    reading = read_passages(
        question, encode(engine, question), loaded, engine.checkpoint, calibration
    ).reading
    probability, _ = probabilities(reading, engine.checkpoint.settings.calibration)
    _, row, span = max(
        (float(probability[row, span.column]), row, span)
        for row, spans in enumerate(reading.shown)
        for span in spans[:1]
    )
    passage = loaded.fetched[row].passage
    place = passage.start + span.start, passage.start + span.end
    answers = engine.ask(question, top_k=100).answers
    assert (passage.id, *place) in {(a.passage.id, a.start, a.end) for a in answers}


def check_places(engine: SearchEngine, answer: Answer) -> None:
    """The contract of an answer, by the stored document and by a text file itself."""
    for place in (answer, *answer.evidence):
        text = engine.document(place.passage.document).text
        assert place.text
        assert text[place.start : place.end] == place.text
        assert text[place.passage.start : place.passage.end] == place.passage.text
        assert place.passage.start <= place.start < place.end <= place.passage.end
        decoded = Path(place.passage.source).read_bytes().decode("utf-8")
        # Markdown is read without its markup, and soft hyphens are left out.
        if place.passage.source.endswith(".txt") and "\u00ad" not in decoded:
            assert decoded[place.start : place.end] == place.text


SCRIPTS = """
    lighthouse Brücke été e\u0301te\u0301 a\u0323\u0302b ﬁne ﬄuent Ǆ № ① ½ İstanbul ẞ naïve
    смотритель й и\u0306 كتب كَتَبَ שָׁלוֹם हिन्दी कि क्षि ภาษาไทย กำ 日本語 ガ ｶﾞ か\u3099 한국어
    \u1112\u1161\u11ab 𝔘𝔫𝔦 𠮷 👩\u200d🚀 👍🏽 🇫🇷 ❤\ufe0f co\u00adop zero\u200bwidth end. Why?
    3,141.59 \u0301 \u200d \u202eabc\u202c ． …
"""
FRAGMENTS = st.sampled_from(SCRIPTS.split())
GAPS = st.sampled_from(
    [" ", " ", " ", "", "\r\n", "\r\n\r\n", "\n", "\t", "\u00a0", "\u2028", ". "]
)
TEXTS = st.lists(st.tuples(FRAGMENTS, GAPS), min_size=1, max_size=40).map(
    lambda parts: "word " + "".join(fragment + gap for fragment, gap in parts)
)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(texts=st.lists(TEXTS, min_size=1, max_size=6), limit=st.integers(8, 48))
def test_answers_stand_where_they_say_in_any_script(
    model: Checkpoint, texts: list[str], limit: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        sources = Path(folder) / "sources"
        sources.mkdir()
        for number, text in enumerate(texts):
            suffix = (".txt", ".md")[number % 2]
            (sources / f"{number}{suffix}").write_bytes(text.encode())
        index = Path(folder) / "index"
        report = build_index([sources], index, model, BuildOptions(passage_limit=limit))
        assert report.documents == len(set(texts))  # the same content twice is one document
        with SearchEngine(FolderBackend.open(index), model) as engine:
            asked = ["who?", "which of them?"]
            results = [engine.ask(question, top_k=20) for question in asked]
            assert all(result.answers for result in results)
            for answer in (answer for result in results for answer in result.answers):
                check_places(engine, answer)


@pytest.mark.parametrize("question", QUESTIONS)
def test_confidences_and_the_null_answer_s_are_shares_of_one_probability(
    engine: SearchEngine, question: str
) -> None:
    result = engine.ask(question, top_k=100)
    confidences = [answer.confidence for answer in result.answers]
    assert all(0 <= confidence <= 1 for confidence in [*confidences, result.no_answer_confidence])
    assert sum(confidences) + result.no_answer_confidence <= 1 + 1e-5
    assert confidences == sorted(confidences, reverse=True)
    assert result.no_answer == (confidences[0] < engine.calibration().min_confidence)


@pytest.mark.parametrize("numbers", [{"top_k": 0}, {"passages": 0}, {"passages": -1}])
def test_less_than_one_answer_or_passage_is_refused(
    engine: SearchEngine, numbers: dict[str, int]
) -> None:
    with pytest.raises(QuestionError, match="from 1 on"):
        engine.ask("Who lit the lamp?", **numbers)


def test_no_answer_is_said_where_null_is_likelier_by_far_and_the_closest_spans_stay(
    index_folder: Path, model: Checkpoint
) -> None:
    for bias, expected in ((50.0, True), (-50.0, False)):
        calibration = replace(model.settings.calibration, null=bias, min_confidence=0.1)
        settings = replace(model.settings, calibration=calibration)
        backend = FolderBackend.open(index_folder)
        # Calibration is no part of the fingerprint: the index still fits.
        with SearchEngine(backend, replace(model, settings=settings)) as engine:
            result = engine.ask(QUESTIONS[0])
        assert result.no_answer is expected
        assert result.no_answer_confidence == pytest.approx(float(expected), abs=1e-3)
        assert result.answers


def test_the_result_as_json_has_the_contract_s_keys(engine: SearchEngine) -> None:
    result = json.loads(json.dumps(engine.ask(QUESTIONS[0]).to_dict(), allow_nan=False))
    assert {"question", "answers", "no_answer", "timings_ms"} <= result.keys()
    assert list(result["timings_ms"]) == ["encode", "lexical", "dense", "load", "read", "total"]
    assert all(ms > 0 for ms in result["timings_ms"].values())
    answer = result["answers"][0]
    keys = {"text", "confidence", "start", "end", "document", "source", "passage", "evidence"}
    assert keys <= answer.keys()
    assert answer["text"] in answer["passage"]
    assert answer["evidence"][0]["text"] == answer["text"]


def test_asking_together_gives_what_asking_one_by_one_does(engine: SearchEngine) -> None:
    together = engine.ask_batch(QUESTIONS, top_k=4)
    alone = [engine.ask(question, top_k=4) for question in QUESTIONS]
    nothing: dict[str, float] = {}
    assert [replace(r, timings=nothing) for r in together] == [
        replace(r, timings=nothing) for r in alone
    ]


def test_several_threads_get_what_one_does(engine: SearchEngine) -> None:
    alone = [spans(engine.ask(question)) for question in QUESTIONS]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(lambda q: spans(engine.ask(q)), 3 * QUESTIONS)) == 3 * alone


def test_top_k_and_passages_limit_what_is_answered_and_read(engine: SearchEngine) -> None:
    everything = engine.ask(QUESTIONS[0], top_k=100)
    assert len(everything.answers) > 3
    assert len(everything.passages) > 2
    for top_k in (1, 3):
        few = engine.ask(QUESTIONS[0], top_k=top_k)
        assert spans(few) == spans(everything)[:top_k]
    one = engine.ask(QUESTIONS[0], passages=1)
    assert len(one.passages) == 1
    assert {answer.passage.id for answer in one.answers} == {one.passages[0].id}


@pytest.mark.parametrize(
    ("question", "name"),
    [
        (QUESTIONS[0], "lighthouse.txt"),
        (QUESTIONS[1], "bridge.md"),
        (QUESTIONS[2], "market.txt"),
        (QUESTIONS[3], "ship.txt"),
        (QUESTIONS[4], "other.txt"),
    ],
)
def test_both_lexical_indexes_find_the_passage_of_a_clear_question(
    index_folder: Path, model_folder: Path, question: str, name: str
) -> None:
    found = {}
    for lexical in ("tantivy", "rank-bm25"):
        with SearchEngine.open(index_folder, model=model_folder, lexical=lexical) as engine:
            result = engine.ask(question)
            found[lexical] = result.trace.bm25
            of_terms = {hit.ranks.bm25.rank: hit for hit in result.passages if hit.ranks.bm25}
            best = of_terms[1]
            assert Path(best.source).name == name
    assert found["tantivy"][0] == found["rank-bm25"][0]
    assert set(found["tantivy"]) == set(found["rank-bm25"])


def test_an_unknown_lexical_index_is_refused_with_the_names_of_those_there_are(
    index_folder: Path, model_folder: Path
) -> None:
    with pytest.raises(ForereadError, match=r"'lucene'.*tantivy or rank-bm25"):
        SearchEngine.open(index_folder, model=model_folder, lexical="lucene")


def test_the_same_words_in_two_documents_are_one_answer_with_both_as_evidence(
    tmp_path: Path, model: Checkpoint, build: Callable[..., Path]
) -> None:
    # The same content twice would be one document.
    for name, end in (("one.txt", ""), ("two.txt", "\n")):
        (tmp_path / name).write_text("The lamp was lit by Anna Bell in 1872." + end)
    index = build([tmp_path / "one.txt", tmp_path / "two.txt"], tmp_path / "index")
    with SearchEngine(FolderBackend.open(index), model) as engine:
        best = engine.ask("Who lit the lamp?", top_k=1).answers[0]
    documents = {place.passage.document for place in best.evidence}
    assert len(documents) == 2
    assert best.confidence >= sum(place.confidence for place in best.evidence[:2])


@pytest.mark.parametrize("question", ["", "   \n", "?!…", "—", "\u200b", "👩\u200d🚀", "\u0301"])
def test_a_question_without_a_word_is_refused(engine: SearchEngine, question: str) -> None:
    with pytest.raises(QuestionError, match="at least one word"):
        engine.ask(question)


@pytest.mark.parametrize(
    "question",
    [
        "lamp\udce9?",
        "lamp\0?",
        "lamp AND (",
        'terms:"',
        "a" * 5000,
        "1872",
        "日本",
        "+-/\\*~^[]{} a",
    ],
)
def test_an_odd_question_is_answered_as_any_other(engine: SearchEngine, question: str) -> None:
    for answer in engine.ask(question).answers:
        check_places(engine, answer)


def test_a_long_question_is_cut_to_64_wordpieces_and_says_so(engine: SearchEngine) -> None:
    long = "lighthouse " * 70
    n = len(engine.checkpoint.tokenizer.encode(long))
    assert n > 64
    assert 48 < len(prepare_question(long, engine.checkpoint).pieces) <= 64  # whole words
    (note,) = engine.ask(long).notes
    assert str(n) in note
    assert "those that end with the question itself" in note
    assert engine.ask(QUESTIONS[0]).notes == ()


def test_a_collection_without_passages_answers_that_it_has_no_answer(
    tmp_path: Path, documents_folder: Path, model: Checkpoint, build: Callable[..., Path]
) -> None:
    index = build([documents_folder / "ship.txt"], tmp_path / "index")
    with (
        FolderBackend.open(index, readonly=False) as backend,
        SearchEngine(FolderBackend.open(index), model) as engine,
    ):
        (document,) = {answer.passage.document for answer in engine.ask("ship").answers}
        assert backend.delete([document]) == 1
        # Found by an index that lags, gone from the store: left out.
        behind = engine.ask("ship")
    with SearchEngine(FolderBackend.open(index), model) as engine:
        after = engine.ask("ship")
    for result in (behind, after):
        assert result.answers == ()
        assert result.passages == ()
        assert result.no_answer
        assert result.no_answer_confidence == 1


def test_passages_removed_meanwhile_are_gone_from_the_next_question(
    tmp_path: Path, documents_folder: Path, model: Checkpoint, build: Callable[..., Path]
) -> None:
    index = build([documents_folder], tmp_path / "index")
    with (
        FolderBackend.open(index, readonly=False) as backend,
        SearchEngine(FolderBackend.open(index), model) as engine,
    ):
        before = {hit.id: hit for hit in engine.ask("the bridge").passages}
        removed = next(h.document for h in before.values() if h.source.endswith("bridge.md"))
        backend.delete([removed])
        after = engine.ask("the bridge").passages
    assert {hit.id for hit in after} == {h.id for h in before.values() if h.document != removed}
    assert all(hit.text == before[hit.id].text for hit in after)
    ranks = sorted(hit.ranks.dense.rank for hit in after if hit.ranks.dense)
    assert ranks == list(range(1, len(after) + 1)), "the others move up"


def test_fingerprint_mismatch(index_folder: Path, make_model: Callable[..., Path]) -> None:
    """States of one checkpoint are refused by another, with both fingerprints shown."""
    other = load_checkpoint(make_model(seed=1))
    with FolderBackend.open(index_folder) as backend:
        made_by = backend.describe().checkpoint
    assert made_by != other.fingerprint
    with pytest.raises(CheckpointMismatchError) as refusal:
        SearchEngine.open(index_folder, model=other.folder)
    assert made_by in str(refusal.value)
    assert other.fingerprint in str(refusal.value)
    assert "--model" in str(refusal.value)


def test_an_index_is_opened_with_the_model_that_made_it_or_else_the_shipped_one(
    tmp_path: Path,
    documents_folder: Path,
    make_model: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made_by = make_model(seed=2)
    index = tmp_path / "index"
    checkpoint = load_checkpoint(made_by)
    build_index([documents_folder / "ship.txt"], index, checkpoint, BuildOptions())
    with SearchEngine.open(index) as engine:
        assert engine.checkpoint.folder == made_by
    moved = made_by.rename(tmp_path / "moved")
    monkeypatch.setattr("engine.retrieval.opening.shipped_checkpoint", lambda: moved)
    with SearchEngine.open(str(index)) as engine:
        assert engine.checkpoint.folder == moved


def test_a_folder_without_an_index_is_named_with_the_command_that_makes_one(
    tmp_path: Path,
) -> None:
    with pytest.raises(IndexStoreError, match="indexer build"):
        SearchEngine.open(tmp_path)


def test_questions_read_together_are_answered_as_alone(engine: SearchEngine) -> None:
    """Each by its own settings, and one that can't be asked has its error in its place."""
    asked = [
        Asked(QUESTIONS[0], top_k=2),
        Asked("?!"),
        Asked(QUESTIONS[1], passages=3),
        Asked("the bridge", filters=conditions("type=md"), min_confidence=0.9),
        Asked("the bridge", filters=conditions("colour=red")),
        Asked("the bridge", filters=conditions("type=pdf")),
        Asked(QUESTIONS[0], top_k=1),
    ]
    together = engine.ask_together(asked)
    assert isinstance(together[1], QuestionError)
    assert isinstance(together[4], FilterError)
    for number in (0, 2, 3, 5, 6):
        one, result = asked[number], together[number]
        assert isinstance(result, SearchResult)
        alone = engine.ask(
            one.question,
            top_k=one.top_k,
            passages=one.passages,
            filters=one.filters,
            min_confidence=one.min_confidence,
        )
        assert result.question == one.question
        assert result.no_answer == alone.no_answer
        assert (result.notes, result.filters) == (alone.notes, alone.filters)
        assert [hit.id for hit in result.passages] == [hit.id for hit in alone.passages]
        places = [(a.text, a.start, a.end, a.passage.id, a.citation) for a in result.answers]
        assert places == [(a.text, a.start, a.end, a.passage.id, a.citation) for a in alone.answers]
        for mine, theirs in zip(result.answers, alone.answers, strict=True):
            assert mine.confidence == pytest.approx(theirs.confidence, abs=1e-3)
        for answer in result.answers:
            check_places(engine, answer)
    assert together[5].passages == ()


def test_nothing_asked_is_nothing_answered(engine: SearchEngine) -> None:
    assert engine.ask_together([]) == []
    assert [type(one) for one in engine.ask_together([Asked("…")])] == [QuestionError]


def test_passages_alone_are_those_that_retrieval_ranks_first(engine: SearchEngine) -> None:
    found = engine.search("Who opened the bridge?", passages=3)
    asked = engine.ask("Who opened the bridge?", passages=3)
    assert {hit.id for hit in found.passages} == {hit.id for hit in asked.passages}
    scores = [hit.score for hit in found.passages]
    assert scores == sorted(scores, reverse=True)
    assert found.to_dict()["passages"][0]["id"] == found.passages[0].id
    with pytest.raises(QuestionError, match="at least one word"):
        engine.search("?")
    with pytest.raises(FilterError):
        engine.search("the bridge", filters="colour=red")
    nothing = engine.search("the bridge", filters="type=pdf")
    assert (nothing.passages, nothing.filters) == ((), ("type=pdf",))
    assert "type=pdf" in nothing.notes[0]


def same(result: SearchResult) -> SearchResult:
    return replace(result, timings={})


def test_a_budget_that_all_passages_fit_into_changes_nothing(
    index_folder: Path, model: Checkpoint
) -> None:
    with SearchEngine(FolderBackend.open(index_folder), model) as fresh:
        hurried = [fresh.ask(question, budget_ms=1e9) for question in QUESTIONS]
        assert [same(one) for one in hurried] == [same(fresh.ask(one)) for one in QUESTIONS]
    assert all(one.passages_read == len(one.passages) > 3 for one in hurried)
    assert all(one.to_dict()["passages_read"] == one.passages_read for one in hurried)


def test_a_budget_too_small_for_a_passage_reads_the_best_and_says_so(
    engine: SearchEngine,
) -> None:
    result = engine.ask(QUESTIONS[0], budget_ms=0.001)
    (note,) = result.notes
    assert note == "the budget of 0.001 ms is too small for one passage; the best was read"
    assert result.passages_read == len(result.passages) == 1
    best = engine.search(QUESTIONS[0]).passages[0]
    assert result.passages[0].id == best.id
    assert {answer.passage.id for answer in result.answers} == {best.id}
    assert len(result.trace.hybrid) > 3
    assert len(result.trace.reranked) == 1


def test_each_of_several_questions_has_its_own_budget(engine: SearchEngine) -> None:
    budgets = (None, 0.001, 1e9, 0.001, None)
    asked = [Asked(q, budget_ms=ms) for q, ms in zip(QUESTIONS, budgets, strict=True)]
    results = engine.ask_together(asked)
    assert [result.question for result in results] == QUESTIONS
    assert [result.passages_read == 1 for result in results] == [False, True, False, True, False]
    assert [len(result.notes) for result in results] == [0, 1, 0, 1, 0]


@pytest.mark.parametrize("budget", [0, -1, float("nan"), float("inf")])
def test_a_budget_is_a_time(engine: SearchEngine, budget: float) -> None:
    with pytest.raises(QuestionError, match=f"above 0, not {budget}"):
        engine.ask(QUESTIONS[0], budget_ms=budget)
    (told,) = [engine.ask(QUESTIONS[0], filters="type=pdf", budget_ms=0.001)]
    assert (told.passages_read, told.answers) == (0, ())


def test_many_passages_are_read_in_parts_to_the_same_end(
    engine: SearchEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = [engine.ask(question) for question in QUESTIONS]
    monkeypatch.setattr("engine.answering.passages.MOST_AT_ONCE", 100)
    sizes: list[int] = []
    hook = engine.checkpoint.reader.register_forward_pre_hook(
        lambda _, inputs: sizes.append(len(inputs[2]))
    )
    try:
        parts = [engine.ask(question) for question in QUESTIONS]
    finally:
        hook.remove()
    assert len(sizes) > 2 * len(QUESTIONS)
    assert sum(sizes) == sum(one.passages_read for one in whole)
    for one, other in zip(whole, parts, strict=True):
        assert spans(one) == spans(other)
        assert [hit.id for hit in one.passages] == [hit.id for hit in other.passages]
        sure, as_sure = ([answer.confidence for answer in r.answers] for r in (one, other))
        assert sure == pytest.approx(as_sure, abs=1e-4)


def test_answers_come_from_the_passages_that_a_cascade_reads_on(
    index_folder: Path, model: Checkpoint
) -> None:
    """Upper layers after the first see two passages; those rank first, and they alone answer."""
    reader, policy = deepcopy(model.reader), Cascade(after=1, passages=2)
    torch.manual_seed(0)
    reader.add_skipping(policy)
    cascading = replace(model, reader=reader, settings=replace(model.settings, skipping=policy))
    seen: list[int] = []
    reader.upper[1].register_forward_pre_hook(lambda _, given: seen.append(len(given[1])))
    with SearchEngine(FolderBackend.open(index_folder), cascading) as engine:
        results = engine.ask_together([Asked(question) for question in QUESTIONS])
        alone = [engine.ask(question) for question in QUESTIONS]
    assert sum(seen) == 2 * 2 * len(QUESTIONS)
    for result, one in zip(results, alone, strict=True):
        assert [hit.id for hit in result.passages] == [hit.id for hit in one.passages]
        assert len(result.passages) > 3
        first = {hit.id for hit in result.passages[:2]}
        assert {place.passage.id for a in result.answers for place in a.evidence} <= first
        scores = [hit.score for hit in result.passages]
        assert scores == sorted(scores, reverse=True)


def test_too_little_memory_for_the_passages_is_one_line(engine: SearchEngine) -> None:
    more_than_any_machine_has = 2**50
    hook = engine.checkpoint.reader.upper[0].register_forward_pre_hook(
        lambda *_: torch.empty(more_than_any_machine_has, dtype=torch.uint8)
    )
    try:
        with pytest.raises(QuestionError, match=r"memory to read 7 passages; .*--passages"):
            engine.ask(QUESTIONS[0], passages=7)
    finally:
        hook.remove()
    assert engine.ask(QUESTIONS[0]).answers


def test_another_failure_is_not_taken_for_want_of_memory(engine: SearchEngine) -> None:
    hook = engine.checkpoint.reader.upper[0].register_forward_pre_hook(
        lambda *_: torch.ones(2) @ torch.ones(3)
    )
    try:
        with pytest.raises(RuntimeError, match="size"):
            engine.ask(QUESTIONS[0])
    finally:
        hook.remove()
