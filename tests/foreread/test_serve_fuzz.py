"""Every operation, given what its OpenAPI document allows and what it doesn't: never a 500."""

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
import schemathesis
from http_server import served
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import CHECKS
from schemathesis.generation import GenerationMode

from foreread.serve.server import Settings

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

# What a schema can't say: that a question has a word, that a collection or document is there.
NOT_SAID = {"positive_data_acceptance"}
TAKING = [
    ("/v1/ask", "POST"),
    ("/v1/search", "POST"),
    ("/v1/documents", "GET"),
    ("/v1/documents", "POST"),
    ("/v1/documents/{id}", "GET"),
    ("/v1/documents/{id}", "DELETE"),
]
ALONE = [
    ("/v1/collections", "GET"),
    ("/health", "GET"),
    ("/ready", "GET"),
    ("/metrics", "GET"),
]


@pytest.fixture(scope="module")
def url(
    tmp_path_factory: pytest.TempPathFactory, build, documents_folder: Path, model_folder: Path
) -> Iterator[str]:
    index = build([documents_folder / "ship.txt"], tmp_path_factory.mktemp("fuzz") / "some.idx")
    with served(Settings({"some": index}, model_folder, "cpu")) as url:
        yield url


@pytest.mark.parametrize(
    ("path", "method", "mode"),
    [
        *((*one, GenerationMode.POSITIVE) for one in TAKING + ALONE),
        *((*one, GenerationMode.NEGATIVE) for one in TAKING),
    ],
)
def test_whatever_comes_is_answered_as_the_document_says(
    url: str, path: str, method: str, mode: GenerationMode
) -> None:
    schema = schemathesis.openapi.from_dict(httpx2.get(f"{url}/openapi.json").json())
    schema.config.update(base_url=url)
    operation = schema[path][method]
    checks = [check for check in CHECKS.get_all() if check.__name__ not in NOT_SAID]

    @settings(
        max_examples=12, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def fuzz(case: schemathesis.Case) -> None:
        answer = case.call(timeout=120)
        assert answer.status_code < 500, answer.text
        case.validate_response(answer, checks=checks)

    fuzz()


def test_every_operation_is_tried(url: str) -> None:
    told = httpx2.get(f"{url}/openapi.json").json()["paths"]
    there = {(path, method.upper()) for path, of in told.items() for method in of}
    assert there == set(TAKING + ALONE)
