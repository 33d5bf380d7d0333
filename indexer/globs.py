"""Globs as in .gitignore: what of a folder is indexed, and what isn't."""

import posixpath
from dataclasses import dataclass
from functools import cached_property

from pathspec import GitIgnoreSpec

from engine.errors import SourceError


@dataclass(frozen=True)
class Globs:
    """`include` names what is indexed of a folder, all of it where it's empty; `ignore` what isn't.

    Paths are relative to the folder. As in Git, nothing in an ignored folder comes back by `!`.
    Raises: SourceError if a glob can't be one.
    """

    include: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for glob in (*self.include, *self.ignore):
            try:
                GitIgnoreSpec.from_lines([glob])
            except ValueError:
                raise SourceError(
                    f"{glob!r} isn't a glob as in .gitignore, such as *.tmp or drafts/; correct it"
                ) from None

    def hold(self, path: str) -> bool:
        """Whether a file at a path is indexed."""
        return self.take(path) and not any(self.prune(folder) for folder in _above(path))

    def prune(self, folder: str) -> bool:
        """Whether nothing at or below a folder is indexed."""
        return bool(self.ignore) and self._ignored.match_file(folder + "/")

    def take(self, path: str) -> bool:
        """Whether a file at a path is indexed, if none of its folders is ignored."""
        if self.ignore and self._ignored.match_file(path):
            return False
        return not self._included or bool(self._included.match_file(path))

    @cached_property
    def _ignored(self) -> GitIgnoreSpec:
        return GitIgnoreSpec.from_lines(self.ignore)

    @cached_property
    def _included(self) -> GitIgnoreSpec:
        return GitIgnoreSpec.from_lines(glob for glob in self.include if glob.strip())


EVERYTHING = Globs()


def _above(path: str) -> list[str]:
    folders = []
    while path := posixpath.dirname(path):
        folders.append(path)
    return folders
