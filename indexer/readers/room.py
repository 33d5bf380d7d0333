"""How much a file that holds others may unpack to, all that lies in those counted too."""

from dataclasses import dataclass

from indexer.readers.limits import FILE_OPTION, megabytes, too_large

DEEPEST = 5  # files in files in files
_MOST_MEMBERS = 10_000
_MOST_RATIO = 200  # between what is unpacked and the file
_SMALL = 20_000_000  # bytes that any file may unpack to


@dataclass
class Room:
    """What is left of it, shared by all that lies in one file of a folder.

    `limit` is what one file may hold, `bytes_left` what this one may.
    """

    limit: int
    bytes_left: int
    members_left: int = _MOST_MEMBERS

    @classmethod
    def of(cls, size: int, limit: int) -> "Room":
        """For a file of `size` bytes."""
        return cls(limit, min(limit, max(_SMALL, _MOST_RATIO * size)))

    def take(self, size: int) -> str | None:
        """Take room for a member; the reason if there isn't enough."""
        self.members_left -= 1
        self.bytes_left -= max(0, size)
        if self.members_left < 0:
            return f"too large: over {_MOST_MEMBERS} files in it; unpack it and name its folder"
        if self.bytes_left < 0:
            most = f"{megabytes(self.limit)} or {_MOST_RATIO} times its size"
            return too_large("what it unpacks to", most, FILE_OPTION)
        return None
