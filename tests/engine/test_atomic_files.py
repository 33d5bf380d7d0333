"""A file is replaced whole or not at all, and nothing is left beside it."""

from pathlib import Path

import pytest

from engine.atomic_files import replace_file


def test_a_file_is_replaced_by_what_was_written(tmp_path: Path) -> None:
    file = tmp_path / "some.json"
    for text in ("first", "second"):
        assert replace_file(file, lambda path, text=text: path.write_text(text)) == len(text)
        assert file.read_text() == text
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("error", [OSError("the disk is full"), KeyboardInterrupt()])
def test_what_breaks_off_leaves_the_file_as_it_was(tmp_path: Path, error: BaseException) -> None:
    file = tmp_path / "some.json"
    file.write_text("before")

    def write(path: Path) -> None:
        path.write_text("half")
        raise error

    with pytest.raises(type(error)):
        replace_file(file, write)
    assert file.read_text() == "before"
    assert list(tmp_path.iterdir()) == [file]
