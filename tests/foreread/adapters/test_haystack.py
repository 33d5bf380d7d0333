"""The component in a pipeline of Haystack's own, written out and read again as its users do."""

from pathlib import Path

import pytest
from haystack import ExtractedAnswer, Pipeline
from haystack import telemetry as haystack_telemetry
from haystack.components.builders import PromptBuilder
from haystack.core.errors import PipelineRuntimeError

from engine.checkpoint import Checkpoint
from engine.search import SearchEngine
from foreread.adapters.haystack import ForereadReader

TEMPLATE = "{% for one in documents %}{{ one.meta.citation }}: {{ one.content }}\n{% endfor %}"


@pytest.fixture
def pipeline(index_folder: Path, model: Checkpoint) -> Pipeline:
    made = Pipeline()
    reader = ForereadReader(str(index_folder), model=str(model.folder), top_k=2)
    made.add_component("reader", reader)
    made.add_component("prompt", PromptBuilder(TEMPLATE, required_variables=["documents"]))
    made.connect("reader.documents", "prompt.documents")
    return Pipeline.loads(made.dumps(), allowed_modules=[ForereadReader.__module__])


def test_answers_are_those_of_the_engine_in_haystack_s_shape(
    pipeline: Pipeline, engine: SearchEngine
) -> None:
    query = "Who opened the bridge?"
    given = pipeline.run({"reader": {"query": query}}, include_outputs_from={"reader"})
    expected = engine.ask(query, top_k=2)
    answers = [one for one in given["reader"]["answers"] if one.data is not None]
    for mine, theirs in zip(answers, expected.answers, strict=True):
        assert isinstance(mine, ExtractedAnswer)
        assert (mine.query, mine.data) == (query, theirs.text)
        assert mine.score == pytest.approx(theirs.confidence, abs=1e-4)
        assert mine.document
        assert mine.document_offset
        start, end = mine.document_offset.start, mine.document_offset.end
        assert mine.document.content[start:end] == theirs.text
        assert mine.meta["citation"] == str(theirs.citation)
        assert ExtractedAnswer.from_dict(mine.to_dict()) == mine
    documents = given["reader"]["documents"]
    assert [one.id for one in documents] == [hit.id for hit in expected.passages]
    assert documents[0].content in given["prompt"]["prompt"]
    assert documents[0].meta["citation"] in given["prompt"]["prompt"]


def test_no_answer_comes_first_as_in_haystack_s_own_reader(
    index_folder: Path, model: Checkpoint
) -> None:
    reader = ForereadReader(str(index_folder), model=str(model.folder), min_confidence=1.0)
    none, *closest = reader.run("Who opened the bridge?", top_k=1)["answers"]
    assert (none.data, none.document, len(closest)) == (None, None, 1)
    filtered = reader.run("Who opened the bridge?", filters=["type=md"])["documents"]
    assert {one.meta["type"] for one in filtered} == {"md"}
    reader.close()
    hurried = ForereadReader(str(index_folder), model=str(model.folder), budget_ms=0.001)
    assert len(hurried.run("Who opened the bridge?")["documents"]) == 1
    hurried.close()


def test_what_fails_is_told_by_the_engine_s_sentence(pipeline: Pipeline, tmp_path: Path) -> None:
    with pytest.raises(PipelineRuntimeError, match="no document has a field"):
        pipeline.run({"reader": {"query": "Who?", "filters": ["nosuch=1"]}})
    with pytest.raises(Exception, match="gone"):
        ForereadReader(str(tmp_path / "gone.idx")).warm_up()


def test_nothing_is_told_to_its_makers() -> None:
    assert haystack_telemetry._telemetry.telemetry is None
