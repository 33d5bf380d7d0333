"""Files that visitors add: kept in a folder of the index, never outside it, and indexed."""

import os
import re
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath

from engine.checkpoint import Checkpoint
from engine.errors import SourceError, access_error
from engine.store.folder_exchange import KEPT
from indexer.changes import ChangeOptions, ChangeReport, add_to_index, remove_from_index
from indexer.readers.limits import Limits
from indexer.sync import SKIPPED, FileOutcome, SourceProgress
from ui.settings import FILE_BYTES

FOLDER = "uploads"
SUFFIXES = (
    *(".txt", ".md", ".html", ".htm", ".pdf", ".docx", ".docm"),
    *(".csv", ".tsv", ".json", ".jsonl", ".rtf", ".eml", ".epub"),
    *(".xlsx", ".xls", ".pptx", ".odt", ".ods", ".odp"),
    *(".ipynb", ".rst", ".tex", ".org", ".srt", ".vtt", ".png", ".jpg", ".jpeg", ".tif", ".tiff"),
)
ALL_BYTES = 2 << 30  # of all files together
LONGEST_NAME = 120  # characters

_UNFIT = re.compile(r"[\x00-\x1f\x7f/\\\ud800-\udfff]")


def uploads_folder(index: Path) -> Path:
    return index / KEPT / FOLDER


def uploaded_files(index: Path) -> list[Path]:
    """The files that visitors added, sorted by name."""
    folder = uploads_folder(index)
    if not folder.is_dir():
        return []
    return sorted(file for file in folder.iterdir() if not file.name.startswith("."))


def upload_name(given: str) -> str:
    """The name under which a file is kept: without folders, not hidden, not too long.

    Raises: SourceError if nothing is left of the name, or its suffix isn't one that is read.
    """
    name = PureWindowsPath(PurePosixPath(given).name).name
    name = _UNFIT.sub("_", name).strip().lstrip(".")
    path = PurePosixPath(name)
    if path.suffix.lower() not in SUFFIXES:
        kinds = " ".join(SUFFIXES)
        raise SourceError(f"{name or 'a file without a name'}: only {kinds} can be added")
    # Disks limit names in bytes.
    stem = path.stem[:LONGEST_NAME].encode()[:LONGEST_NAME].decode("utf-8", "ignore")
    return stem + path.suffix


def keep_upload(index: Path, given: str, data: bytes) -> Path:
    """Put a file into the folder, in place of one with the same name.

    Raises: SourceError if its name, suffix or size isn't allowed; IndexStoreError if the disk
    refuses.
    """
    name = upload_name(given)
    if len(data) > FILE_BYTES:
        raise SourceError(f"{name}: over the limit of {FILE_BYTES >> 20} MiB")
    folder = uploads_folder(index)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        others = sum(file.stat().st_size for file in uploaded_files(index) if file.name != name)
        if others + len(data) > ALL_BYTES:
            raise SourceError(
                f"{name}: all files together would be over {ALL_BYTES >> 30} GiB; remove some"
            )
        with tempfile.TemporaryDirectory(dir=folder, prefix=".") as unfinished:
            (Path(unfinished) / name).write_bytes(data)
            # This replaces whatever has the name, even a link: nothing is written through it.
            os.replace(Path(unfinished) / name, folder / name)
    except OSError as error:
        raise access_error(
            error,
            f"{name} can't be stored in {folder} ({error.strerror}); check the disk's free space "
            "and the folder's owner",
        ) from error
    return folder / name


def add_uploads(
    files: Sequence[Path],
    index: Path,
    checkpoint: Checkpoint,
    *,
    on_progress: Callable[[SourceProgress], None] = lambda _: None,
) -> tuple[FileOutcome, ...]:
    """Index files of the folder. Those that can't be read are removed from it again.

    Raises: as `indexer.changes.add_to_index`.
    """
    outcomes: list[FileOutcome] = []
    add_to_index(
        files,
        index,
        checkpoint,
        ChangeOptions(limits=Limits(file_bytes=FILE_BYTES)),
        on_file=outcomes.append,
        on_progress=on_progress,
    )
    for outcome in outcomes:
        if outcome.status == SKIPPED:
            Path(outcome.source).unlink(missing_ok=True)
    return tuple(outcomes)


def remove_upload(name: str, index: Path) -> ChangeReport:
    """Remove a file from the index and from the folder.

    Raises: SourceError if there's no such file; else as `indexer.changes.remove_from_index`.
    """
    file = next((one for one in uploaded_files(index) if one.name == name), None)
    if file is None:
        raise SourceError(f"{name} isn't among the files that were added here")
    report = remove_from_index([str(file)], index)
    file.unlink(missing_ok=True)
    return report


def shown_source(source: str) -> str:
    """A file as visitors know it: an uploaded file by its name, without our folder."""
    head, folder, name = source.rpartition(f"/{KEPT}/{FOLDER}/")
    return name if folder and head else source
