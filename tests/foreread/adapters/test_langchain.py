"""The retriever in a chain of LangChain's own, as its users write one."""

import asyncio

import pytest
from langchain_core.documents import Document
from langchain_core.language_models import FakeListChatModel
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda, RunnablePassthrough

from engine.search import SearchEngine
from foreread import FilterError
from foreread.adapters.langchain import ForereadRetriever

QUESTION = "Who opened the bridge?"


@pytest.mark.parametrize("read", [True, False])
def test_documents_are_the_passages_and_say_where_they_stand(
    engine: SearchEngine, read: bool
) -> None:
    found = ForereadRetriever(engine=engine, k=3, read=read).invoke(QUESTION)
    passages = engine.ask(QUESTION).passages if read else engine.search(QUESTION).passages
    assert [one.id for one in found] == [hit.id for hit in passages[:3]]
    for one in found:
        assert isinstance(one, Document)
        whole = engine.document(one.metadata["document"]).text
        assert whole[one.metadata["start"] : one.metadata["end"]] == one.page_content
        assert one.metadata["source"] in one.metadata["citation"]
        assert {"title", "page", "heading", "type", "score"} <= one.metadata.keys()


def test_it_runs_in_a_chain_in_turn_and_at_once(engine: SearchEngine) -> None:
    seen: list[str] = []

    def keep(prompt: object) -> object:
        seen.append(str(prompt))
        return prompt

    def joined(documents: list[Document]) -> str:
        return "\n".join(one.page_content for one in documents)

    retriever = ForereadRetriever(engine=engine, k=2)
    chain = (
        {"context": retriever | joined, "question": RunnablePassthrough()}
        | ChatPromptTemplate.from_template("{context}\n\n{question}")
        | RunnableLambda(keep)
        | FakeListChatModel(responses=["By Carl Bell."])
        | StrOutputParser()
    )
    assert chain.invoke(QUESTION) == "By Carl Bell."
    assert QUESTION in seen[0]
    assert all(repr(one.page_content)[1:20] in seen[0] for one in retriever.invoke(QUESTION))
    assert asyncio.run(chain.ainvoke(QUESTION)) == "By Carl Bell."
    (first, second) = retriever.batch([QUESTION, "Who sailed south?"])
    assert first != second


def test_filters_hold_and_errors_are_the_engine_s(engine: SearchEngine) -> None:
    found = ForereadRetriever(engine=engine, filters=["type=md"]).invoke(QUESTION)
    assert {one.metadata["type"] for one in found} == {"md"}
    with pytest.raises(FilterError):
        ForereadRetriever(engine=engine, filters=["nosuch=1"]).invoke(QUESTION)
