"""The estimate of a build, held against the build itself."""

from pathlib import Path

import pytest

from engine.checkpoint import Checkpoint
from engine.errors import ForereadError, SourceError
from indexer.build import BuildOptions, build_index
from indexer.estimate import EstimateOptions, estimate_build

SENTENCE = "The keeper lit lamp number {n} at dusk and wrote the hour in a book of the harbour. "


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """60 text files of similar length and a table of 200 rows: more than a sample of either."""
    folder = tmp_path / "sources"
    folder.mkdir()
    for n in range(60):
        (folder / f"{n}.txt").write_text(SENTENCE.format(n=n) * (10 + n % 3))
    rows = [f"row {n},{SENTENCE.format(n=n)}" for n in range(200)]
    (folder / "table.csv").write_text("\n".join(["title,text", *rows]))
    return folder


def test_an_estimate_from_a_sample_is_near_what_the_build_makes(
    sources: Path, model: Checkpoint, tmp_path: Path
) -> None:
    estimate = estimate_build([sources], model, EstimateOptions(sample=60))
    built = build_index([sources], tmp_path / "index", model, BuildOptions())
    assert estimate.files == 61
    assert estimate.bytes == sum(path.stat().st_size for path in sources.iterdir())
    assert estimate.sampled["files"] == 16 + 1
    assert estimate.sampled["passages"] < built.passages / 4
    assert estimate.documents == pytest.approx(built.documents, rel=0.05)
    assert estimate.passages == pytest.approx(built.passages, rel=0.15)
    assert estimate.pieces == pytest.approx(built.pieces, rel=0.15)
    on_disk = built.description["bytes_on_disk"]
    for part in ("store/states", "store/passages"):
        assert estimate.bytes_on_disk[part] == pytest.approx(on_disk[part], rel=0.35)
    parts = [size for part, size in estimate.bytes_on_disk.items() if part != "total"]
    assert estimate.bytes_on_disk["total"] == sum(parts)


def test_stages_are_those_of_a_build_and_take_time(sources: Path, model: Checkpoint) -> None:
    seconds = estimate_build([sources], model, EstimateOptions(sample=20)).seconds
    assert set(seconds) == {"read", "cut", "encode", "store", "derive", "total"}
    assert all(value > 0 for value in seconds.values())
    assert seconds["total"] == pytest.approx(sum(seconds.values()) / 2)


def test_sources_no_larger_than_the_sample_are_counted_exactly(
    documents_folder: Path, model: Checkpoint, tmp_path: Path
) -> None:
    estimate = estimate_build([documents_folder], model, EstimateOptions(sample=10_000))
    built = build_index([documents_folder], tmp_path / "index", model, BuildOptions())
    assert (estimate.documents, estimate.passages, estimate.pieces) == (
        built.documents,
        built.passages,
        built.pieces,
    )


def test_of_a_long_document_only_the_beginning_is_encoded(
    model: Checkpoint, tmp_path: Path
) -> None:
    (tmp_path / "long.txt").write_text("".join(SENTENCE.format(n=n) for n in range(1000, 3000)))
    estimate = estimate_build([tmp_path / "long.txt"], model, EstimateOptions(sample=40))
    assert estimate.sampled["passages"] == 10
    built = build_index([tmp_path / "long.txt"], tmp_path / "index", model, BuildOptions())
    assert estimate.passages == pytest.approx(built.passages, rel=0.15)


def test_the_same_sources_give_the_same_counts(sources: Path, model: Checkpoint) -> None:
    first, second = (estimate_build([sources], model, EstimateOptions(sample=20)) for _ in "ab")
    assert (first.documents, first.passages, first.bytes_on_disk["store/states"]) == (
        second.documents,
        second.passages,
        second.bytes_on_disk["store/states"],
    )


def test_files_that_can_t_be_read_are_named_and_sources_without_others_refused(
    sources: Path, model: Checkpoint, tmp_path: Path
) -> None:
    (sources / "broken.pdf").write_bytes(b"%PDF-1.4 and then nothing")
    estimate = estimate_build([sources], model, EstimateOptions(sample=20))
    assert [Path(skipped.source).name for skipped in estimate.skipped] == ["broken.pdf"]
    with pytest.raises(SourceError, match=r"broken\.pdf"):
        estimate_build([sources / "broken.pdf"], model, EstimateOptions())
    with pytest.raises(SourceError, match="doesn't exist"):
        estimate_build([tmp_path / "missing"], model, EstimateOptions())
    with pytest.raises(ForereadError, match="don't fit the model"):
        estimate_build([sources], model, EstimateOptions(passage_limit=5000))
