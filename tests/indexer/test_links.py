"""An index under a symbolic link: what is replaced is what the link leads to."""

from pathlib import Path

import pytest

from engine.checkpoint import Checkpoint, load_checkpoint
from indexer.build import BuildOptions, build_index
from indexer.compact import compact_index
from indexer.migration import MigrateOptions, migrate_index


@pytest.mark.parametrize("change", ["build", "compact", "migrate"])
def test_the_link_stays_and_leads_to_the_new_index(
    change: str, documents_folder: Path, model: Checkpoint, make_model: object, tmp_path: Path
) -> None:
    real, link = tmp_path / "disk" / "real.idx", tmp_path / "some.idx"
    build_index([documents_folder], real, model)
    before = (real / "store" / "data.mdb").stat().st_ino
    link.symlink_to(real)
    if change == "build":
        build_index([documents_folder], link, model, BuildOptions(overwrite=True))
    elif change == "compact":
        compact_index(link)
    else:
        migrate_index(link, load_checkpoint(make_model(seed=7)), MigrateOptions())
    assert link.is_symlink()
    assert link.resolve() == real
    assert (real / "store" / "data.mdb").stat().st_ino != before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["disk", "some.idx"]
    assert [path.name for path in real.parent.iterdir()] == ["real.idx"]
