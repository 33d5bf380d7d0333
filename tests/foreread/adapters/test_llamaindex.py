"""The retriever and the query engine with LlamaIndex's own, as its users join them."""

import asyncio

import pytest
from llama_index.core.llms import MockLLM
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.schema import NodeRelationship
from llama_index.core.tools import QueryEngineTool

from engine.search import SearchEngine
from foreread import QuestionError
from foreread.adapters.llamaindex import ForereadQueryEngine, ForereadRetriever

QUESTION = "Who opened the bridge?"


@pytest.mark.parametrize("read", [True, False])
def test_nodes_are_the_passages_with_their_document_as_source(
    engine: SearchEngine, read: bool
) -> None:
    found = ForereadRetriever(engine, top_k=3, read=read).retrieve(QUESTION)
    passages = engine.ask(QUESTION).passages if read else engine.search(QUESTION).passages
    assert [one.node_id for one in found] == [hit.id for hit in passages[:3]]
    for one, hit in zip(found, passages, strict=False):
        assert one.score == pytest.approx(hit.score, abs=1e-3)
        assert (one.node.start_char_idx, one.node.end_char_idx) == (hit.start, hit.end)
        assert one.node.relationships[NodeRelationship.SOURCE].node_id == hit.document
        assert hit.source in one.metadata["citation"]


def test_the_retriever_feeds_an_engine_that_writes(engine: SearchEngine) -> None:
    """The mock of a language model, LlamaIndex's own, says what it was asked."""
    retriever = ForereadRetriever(engine, top_k=2)
    writing = RetrieverQueryEngine.from_args(retriever, llm=MockLLM())
    response = writing.query(QUESTION)
    assert len(response.source_nodes) == 2
    for node in response.source_nodes:
        assert node.text.strip() in str(response)
        assert node.metadata["citation"] in str(response)


def test_the_query_engine_answers_in_the_documents_words(engine: SearchEngine) -> None:
    answering = ForereadQueryEngine(engine, top_k=2, min_confidence=0.0)
    expected = engine.ask(QUESTION, top_k=2, min_confidence=0.0)
    response = answering.query(QUESTION)
    assert response.metadata["no_answer"] is expected.no_answer
    told = expected.answers[0].text if not expected.no_answer else "Empty Response"
    assert str(response) == told
    answers = response.metadata["answers"]
    assert [one["text"] for one in answers] == [one.text for one in expected.answers]
    assert answers[0]["citation"] == str(expected.answers[0].citation)
    first = response.source_nodes[0]
    assert first.node_id == expected.answers[0].passage.id
    assert expected.answers[0].text in first.text
    assert str(asyncio.run(answering.aquery(QUESTION))) == told
    tool = QueryEngineTool.from_defaults(answering, name="papers", description="papers")
    assert tool.call(QUESTION).content == told


def test_no_answer_is_what_llamaindex_says_of_it_and_errors_are_the_engine_s(
    engine: SearchEngine,
) -> None:
    unsure = ForereadQueryEngine(engine, min_confidence=1.0).query(QUESTION)
    assert (str(unsure), unsure.metadata["no_answer"]) == ("Empty Response", True)
    hurried = ForereadQueryEngine(engine, budget_ms=0.001).query(QUESTION)
    assert len({node.node_id for node in hurried.source_nodes}) == 1
    with pytest.raises(QuestionError):
        ForereadRetriever(engine).retrieve("?!")
