"""What holds: the environment over `foreread.toml` over what is usual. Flags go over all of it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engine.errors import ConfigurationError
from foreread.configuration import (
    Collection,
    Configuration,
    find_configuration,
    read_configuration,
    refuse_unknown_name,
)

CONFIG, COLLECTION = "FOREREAD_CONFIG", "FOREREAD_COLLECTION"
USUAL = "default"
# Settings that a variable in the environment may give, too.
VARIABLES = {
    "index": "FOREREAD_INDEX",
    "model": "FOREREAD_MODEL",
    "device": "FOREREAD_DEVICE",
    "products": "FOREREAD_PRODUCTS",
    "server.address": "FOREREAD_ADDRESS",
    "server.port": "FOREREAD_PORT",
}


@dataclass(frozen=True)
class Setting:
    """A value, and where it comes from: a flag, a variable, the file, or `default`."""

    value: Any
    origin: str


@dataclass(frozen=True)
class Surroundings:
    """The environment and the file that commands run in. `file` is None where there is none."""

    environment: Mapping[str, str]
    file: Path | None
    configuration: Configuration

    @classmethod
    def of(cls, named: Path | None, environment: Mapping[str, str], folder: Path) -> "Surroundings":
        """The file named, or else that in the working folder or above.

        Raises: ConfigurationError as `read_configuration`.
        """
        file = named or find_configuration(folder)
        configuration = read_configuration(file) if file else Configuration()
        return cls(environment, file, configuration)

    @property
    def where(self) -> str:
        return str(self.file or "no foreread.toml is there, so this")

    def collection(self, named: str | None) -> tuple[Setting, Collection | None]:
        """The name of the collection named, or else of the one that the environment or the file
        says, or else of the file's only one; and the collection.

        Raises: ConfigurationError if there is none of the name.
        """
        known = self.configuration.collections
        if named is not None:
            name = Setting(named, "--collection")
        elif self.environment.get(VARIABLES["index"]):
            return Setting(None, VARIABLES["index"]), None
        elif given := self.environment.get(COLLECTION):
            name = Setting(given, COLLECTION)
        else:
            only = next(iter(known)) if len(known) == 1 else None
            said = self.configuration.collection or only
            name = Setting(said, self._origin(said))
        if name.value is None:
            return name, None
        refuse_unknown_name("collection", name.value, known, self.where)
        return name, known[name.value]

    def settings(self, named: str | None = None) -> dict[str, Setting]:
        """What holds for a collection, by the names of the settings.

        An index that is named in the environment isn't a collection's, unless that is `named`.

        Raises: ConfigurationError as `collection`, or if a variable can't be.
        """
        name, collection = self.collection(named)
        said = self.configuration
        by_file: dict[str, Any] = {
            **(asdict(collection) if collection else {"index": None, "model": said.model}),
            "device": said.device,
            "products": said.products,
            **{f"server.{key}": value for key, value in asdict(said.server).items()},
        }
        held = {"collection": name}
        for key, value in by_file.items():
            variable = VARIABLES.get(key, "")
            given = self.environment.get(variable)
            if given and not (key == "index" and collection):
                number = _number(variable, given) if key == "server.port" else given
                held[key] = Setting(number, variable)
            else:
                held[key] = Setting(value, self._origin(value))
        return held

    def _origin(self, value: object) -> str:
        return str(self.file) if value not in (None, []) else USUAL


def _number(variable: str, given: str) -> int:
    if not (given.isascii() and given.isdigit() and 0 < int(given) < 65536):
        raise ConfigurationError(f"{variable} should be a port, 1 to 65535, not {given!r}; set it")
    return int(given)
