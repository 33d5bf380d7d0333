"""A component of Haystack 2, for `pip install 'foreread[haystack]'`."""

from typing import Any

from engine.search import SearchEngine
from foreread.adapters.passages import told_of, told_of_answer

try:
    from haystack import Document, ExtractedAnswer, component
except ImportError as error:
    raise ImportError(
        "haystack-ai isn't installed; add it with: pip install 'foreread[haystack]'"
    ) from error


@component
class ForereadReader:
    """Answers a query from an index, and gives the passages read, the best first.

    `index` is a folder or an address in a cluster. The index is opened by `warm_up`, or by the
    first query. Filters are Foreread's: `["type=pdf", "year>=2020"]`.
    """

    def __init__(
        self,
        index: str,
        model: str | None = None,
        top_k: int = 3,
        passages: int = 20,
        filters: list[str] | None = None,
        min_confidence: float | None = None,
        budget_ms: float | None = None,
    ) -> None:
        self.index = index
        self.model = model
        self.top_k = top_k
        self.passages = passages
        self.filters = filters
        self.min_confidence = min_confidence
        self.budget_ms = budget_ms
        self._engine: SearchEngine | None = None

    def warm_up(self) -> None:
        if self._engine is None:
            self._engine = SearchEngine.open(self.index, model=self.model)

    def close(self) -> None:
        if self._engine is not None:
            self._engine.close()
            self._engine = None

    @component.output_types(answers=list[ExtractedAnswer], documents=list[Document])
    def run(
        self, query: str, top_k: int | None = None, filters: list[str] | None = None
    ) -> dict[str, Any]:
        """Where the documents don't seem to tell, the first answer's `data` is None, as Haystack's
        own reader has it, and the closest spans follow.
        """
        self.warm_up()
        assert self._engine is not None
        result = self._engine.ask(
            query,
            top_k=self.top_k if top_k is None else top_k,
            passages=self.passages,
            filters=self.filters if filters is None else filters,
            min_confidence=self.min_confidence,
            budget_ms=self.budget_ms,
        )
        answers = [
            ExtractedAnswer.from_dict({**one.to_haystack(query), "meta": told_of_answer(one)})
            for one in result.answers
        ]
        if result.no_answer:
            answers.insert(0, ExtractedAnswer(query=query, score=result.no_answer_confidence))
        documents = [
            Document(id=hit.id, content=hit.text, meta=told_of(hit), score=hit.score)
            for hit in result.passages
        ]
        return {"answers": answers, "documents": documents}
