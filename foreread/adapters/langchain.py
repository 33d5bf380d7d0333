"""A retriever of LangChain, for `pip install 'foreread[langchain]'`."""

from typing import Any

from engine.search import SearchEngine
from foreread.adapters.passages import passages_for, told_of

try:
    from langchain_core.callbacks import CallbackManagerForRetrieverRun
    from langchain_core.documents import Document
    from langchain_core.retrievers import BaseRetriever
except ImportError as error:
    raise ImportError(
        "langchain-core isn't installed; add it with: pip install 'foreread[langchain]'"
    ) from error


class ForereadRetriever(BaseRetriever):
    """The `k` passages of an index that fit a question best.

    With `read` the reader ranks them, otherwise they're as retrieved, which takes less time.
    `filters` are those of `SearchEngine.ask`.
    """

    engine: SearchEngine
    k: int = 4
    read: bool = True
    filters: Any = None

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        found = passages_for(self.engine, query, top_k=self.k, read=self.read, filters=self.filters)
        return [
            Document(hit.text, id=hit.id, metadata={**told_of(hit), "score": hit.score})
            for hit in found
        ]
