"""Writes to a cluster that break off, as where their process is killed."""

import itertools

import pytest

from engine.retrieval.elastic.writing import ElasticWriter


def break_off(monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """Let the process seem to die before the bulk request after so many."""
    requests, bulk = itertools.count(), ElasticWriter._bulk

    def dying(self, actions):
        if next(requests) == after:
            raise KeyboardInterrupt
        bulk(self, actions)

    monkeypatch.setattr(ElasticWriter, "_bulk", dying)
