"""A retriever and a query engine of LlamaIndex, for `pip install 'foreread[llamaindex]'`."""

import asyncio

from engine.answering.results import PassageHit
from engine.filters import Filters
from engine.search import SearchEngine
from foreread.adapters.passages import passages_for, told_of, told_of_answer

try:
    from llama_index.core.base.base_query_engine import BaseQueryEngine
    from llama_index.core.base.response.schema import Response
    from llama_index.core.prompts.mixin import PromptMixinType
    from llama_index.core.retrievers import BaseRetriever
    from llama_index.core.schema import (
        NodeRelationship,
        NodeWithScore,
        QueryBundle,
        RelatedNodeInfo,
        TextNode,
    )
except ImportError as error:
    raise ImportError(
        "llama-index-core isn't installed; add it with: pip install 'foreread[llamaindex]'"
    ) from error

EMPTY = "Empty Response"
"""What LlamaIndex's own engines say where they have found nothing."""


class ForereadRetriever(BaseRetriever):
    """The `top_k` passages of an index that fit a question best.

    With `read` the reader ranks them, otherwise they're as retrieved, which takes less time.
    `filters` are those of `SearchEngine.ask`.
    """

    def __init__(
        self,
        engine: SearchEngine,
        *,
        top_k: int = 4,
        read: bool = True,
        filters: Filters | None = None,
    ) -> None:
        super().__init__()
        self._engine, self._top_k, self._read, self._filters = engine, top_k, read, filters

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        found = passages_for(
            self._engine,
            query_bundle.query_str,
            top_k=self._top_k,
            read=self._read,
            filters=self._filters,
        )
        return [_node(hit, hit.score) for hit in found]

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return await asyncio.to_thread(self._retrieve, query_bundle)


class ForereadQueryEngine(BaseQueryEngine):
    """Answers with the exact words of the documents, without a language model.

    The response is the likeliest answer, or "Empty Response" where the documents don't seem to
    tell. `metadata["answers"]` has up to `top_k`, and `source_nodes` the passages that they stand
    in, with their confidence as score.
    """

    def __init__(
        self,
        engine: SearchEngine,
        *,
        top_k: int = 3,
        filters: Filters | None = None,
        min_confidence: float | None = None,
        budget_ms: float | None = None,
    ) -> None:
        super().__init__(callback_manager=None)
        self._engine, self._top_k, self._filters = engine, top_k, filters
        self._min_confidence, self._budget_ms = min_confidence, budget_ms

    def _query(self, query_bundle: QueryBundle) -> Response:
        result = self._engine.ask(
            query_bundle.query_str,
            top_k=self._top_k,
            filters=self._filters,
            min_confidence=self._min_confidence,
            budget_ms=self._budget_ms,
        )
        nodes = {
            place.passage.id: _node(place.passage, place.confidence)
            for answer in reversed(result.answers)
            for place in reversed(answer.evidence)
        }
        answers = [
            {"text": one.text, "confidence": one.confidence, **told_of_answer(one)}
            for one in result.answers
        ]
        return Response(
            EMPTY if result.no_answer else result.answers[0].text,
            source_nodes=list(reversed(nodes.values())),
            metadata={"no_answer": result.no_answer, "answers": answers},
        )

    def _get_prompt_modules(self) -> PromptMixinType:
        return {}  # it asks no language model

    async def _aquery(self, query_bundle: QueryBundle) -> Response:
        return await asyncio.to_thread(self._query, query_bundle)


def _node(hit: PassageHit, score: float) -> NodeWithScore:
    node = TextNode(
        id_=hit.id,
        text=hit.text,
        metadata=told_of(hit),
        start_char_idx=hit.start,
        end_char_idx=hit.end,
        relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id=hit.document)},
    )
    return NodeWithScore(node=node, score=score)
