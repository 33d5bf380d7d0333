"""What a wheel brings beside the packages: the default model and the sample collection."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

MODEL, SAMPLE = "data/models/default", "data/sample"
WEIGHTS = "model.safetensors"


class WheelHook(BuildHookInterface[Any]):
    """An installed package finds under engine/data what a checkout has in data."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        root = Path(self.root)
        include = build_data["force_include"]
        include[str(root / SAMPLE)] = f"engine/{SAMPLE}"
        for file in sorted((root / MODEL).iterdir()):
            if file.name != WEIGHTS:
                include[str(file)] = f"engine/{MODEL}/{file.name}"
        # As engine/weights_file.py reads it; kept until the wheel is written.
        content = (root / MODEL / WEIGHTS).read_bytes()
        if len(content) % 2:
            raise ValueError(f"{MODEL}/{WEIGHTS} should be of pairs of bytes, as fp16 is")
        self._planes = Path(self.directory) / f"{WEIGHTS}.planes"
        self._planes.parent.mkdir(parents=True, exist_ok=True)
        self._planes.write_bytes(content[0::2] + content[1::2])
        include[str(self._planes)] = f"engine/{MODEL}/{self._planes.name}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        if version != "editable":
            self._planes.unlink()
