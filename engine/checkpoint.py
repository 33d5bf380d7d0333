"""A checkpoint: a folder of config.json, model.safetensors and tokenizer.json."""

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from engine.calibration import Calibration
from engine.codecs.codec import Codec
from engine.codecs.names import Bytes
from engine.codecs.registry import NO_TENSORS, codec_of
from engine.devices import best_dtype, chosen_device, takes_int8
from engine.encoder.config import EncoderConfig
from engine.encoder.int8 import Int8Linear, use_int8
from engine.encoder.states import States, passage_texts, question_texts
from engine.encoder.unfilled import without_weights
from engine.errors import CheckpointError, reason_of
from engine.int8_rows import from_int8_rows, to_int8_rows
from engine.reading.read import ReadingOptions, read_pairs
from engine.reading.reader import Reader, ReaderOutput
from engine.reading.skipping import EveryToken, last_layer, skipping_from_dict, skipping_to_dict
from engine.reading.upper import Skipping
from engine.schema import from_json, of_type
from engine.text.tokenization import PieceIds, Tokenizer
from engine.typed_settings import of_types_of_defaults
from engine.weights_file import NAME as _WEIGHTS
from engine.weights_file import WeightsFile

FORMAT = 1
_CONFIG, _TOKENIZER = "config.json", "tokenizer.json"
_OF_CODEC = "codec."  # before the names of the codec's tensors among the weights


@dataclass(frozen=True)
class Settings:
    """A checkpoint's settings, beside its encoder's shape.

    `codec` is how its states are stored. `passage_limit` counts the wordpieces of the passages that
    it was trained on. `skipping` is what its upper layers leave out. `answers` tells whether its
    span head was ever trained. `training` and `quality` are for people to read.
    """

    codec: str = "float16"
    passage_limit: int = 160
    question_limit: int = 64
    skipping: Skipping = field(default_factory=EveryToken)
    answers: bool = True
    calibration: Calibration = field(default_factory=Calibration)
    training: Mapping[str, Any] = field(default_factory=dict)
    quality: Mapping[str, Any] = field(default_factory=dict)


def settings_for(config: EncoderConfig) -> Settings:
    """The usual settings, with passages no longer than an encoder of this shape reads.

    Raises: CheckpointError if it can't read a whole question.
    """
    usual = Settings()
    fewest = usual.question_limit + 2  # [CLS] and [SEP]
    if config.positions < fewest:
        raise CheckpointError(
            f"the model reads {config.positions} pieces at once; {fewest} are the fewest, for a "
            "whole question"
        )
    return replace(usual, passage_limit=min(usual.passage_limit, config.positions - 1))


@dataclass(frozen=True)
class Checkpoint:
    """A reader ready to run, its tokenizer and settings.

    `fingerprint` covers weights, tokenizer, shape and codec, including the codec's tensors: states
    with another fingerprint don't fit. It doesn't cover calibration, which may be fitted anew
    without building again. `codec_tensors` are the codec's tensors by name, if it has any.
    """

    folder: Path
    reader: Reader
    tokenizer: Tokenizer
    settings: Settings
    fingerprint: str
    codec_tensors: Mapping[str, Tensor] = field(default_factory=dict)

    @cached_property
    def codec(self) -> Codec:
        """The codec of an index's states. Raises: CheckpointError as `codec_of`."""
        return codec_of(self.settings.codec, self.codec_tensors)

    @property
    def hidden_width(self) -> int:
        return self.reader.encoder.config.hidden_width

    @property
    def bytes_per_token(self) -> int:
        """The bytes that an index stores for a token."""
        return self.codec.bytes_per_token(self.hidden_width)

    @property
    def dtype(self) -> torch.dtype:
        return self.reader.span.weight.dtype

    @property
    def device(self) -> torch.device:
        return self.reader.device

    @property
    def products(self) -> str:
        """What the upper layers multiply in: "int8", or the name of `dtype`."""
        in_int8 = any(isinstance(part, Int8Linear) for part in self.reader.upper.modules())
        return "int8" if in_int8 else str(self.dtype).removeprefix("torch.")

    @property
    def reading(self) -> ReadingOptions:
        """How this reader reads."""
        s = self.settings
        return ReadingOptions(s.passage_limit, s.question_limit, self.dtype, s.skipping)

    @torch.inference_mode()
    def encode_questions(self, pieces: Sequence[PieceIds]) -> States:
        """Questions in wordpieces, alone through the lower layers."""
        texts = question_texts(self._known(pieces), self.tokenizer, self.device)
        return self.reader.encoder.encode_alone(texts)

    @torch.inference_mode()
    def encode_passages(self, pieces: Sequence[PieceIds]) -> States:
        """Passages in wordpieces, alone through the lower layers: the states of an index."""
        texts = passage_texts(self._known(pieces), self.tokenizer, self.device)
        return self.reader.encoder.encode_alone(texts)

    def _known(self, pieces: Sequence[PieceIds]) -> Sequence[PieceIds]:
        """The pieces. Raises: CheckpointError if one is beyond the model's vocabulary."""
        vocabulary = self.reader.encoder.config.vocabulary
        greatest = max((int(ids.max()) for ids in pieces if len(ids)), default=0)
        if greatest >= vocabulary:
            raise CheckpointError(
                f"{self.folder / _TOKENIZER} gives piece {greatest}, and the model knows "
                f"{vocabulary}; copy the whole checkpoint folder"
            )
        return pieces

    def stored_states(self, stored: Sequence[Bytes], passages: Sequence[PieceIds]) -> States:
        """The states that `encode_passages` gave for `passages`, decoded from the codec's bytes.

        Raises: IndexStoreError if the bytes don't fit the number of pieces.
        """
        lengths = [len(pieces) + 1 for pieces in passages]  # and the closing [SEP]
        states = [
            self.codec.decode(buffer, n, self.hidden_width, self.dtype)
            for buffer, n in zip(stored, lengths, strict=True)
        ]
        return States.of(states, self.device)

    @torch.inference_mode()
    def vectors(self, states: States) -> NDArray[np.float32]:
        """The vector of each text, of unit length: (texts, width)."""
        vectors: NDArray[np.float32] = self.reader.encoder.pool(states).cpu().numpy()
        return vectors

    @torch.inference_mode()
    def read(self, questions: States, passages: States, pairs: Tensor) -> ReaderOutput:
        """Read passage `pairs[i, 1]` for question `pairs[i, 0]`; shape of `pairs`: (n, 2)."""
        return read_pairs(self.reader, questions, passages, pairs, self.reading)


def shipped_checkpoint() -> Path:
    """The default model's folder: under data/ in a checkout, beside us in an installed package.

    Raises: CheckpointError if neither has it.
    """
    here = Path(__file__).resolve().parent
    for data in (here / "data", here.parent / "data"):
        if (folder := data / "models" / "default").is_dir():
            return folder
    raise CheckpointError("the default model is missing; name one with --model DIR")


def save_checkpoint(
    reader: Reader,
    tokenizer: Tokenizer,
    settings: Settings,
    folder: Path,
    codec_tensors: Mapping[str, Tensor] = NO_TENSORS,
    *,
    int8: bool = False,
) -> None:
    """Write a checkpoint, weights in fp16; the folder appears whole or not at all.

    With `int8`, matrices are written in int8, each row by its own scale.

    Raises: CheckpointError if it can't be written, or the codec's tensors aren't its own.
    """
    codec_of(settings.codec, codec_tensors)
    config = reader.encoder.config
    partial = folder.with_name(folder.name + ".partial")
    try:
        partial.mkdir(parents=True, exist_ok=True)
        # Heads of a policy that the settings don't name would fit nothing when they are loaded.
        heads = tuple(f"skipping.{name}." for name in settings.skipping.heads(config))
        weights = {
            name: value.half().contiguous()
            for name, value in reader.state_dict().items()
            if not name.startswith("skipping.") or name.startswith(heads)
        }
        weights = to_int8_rows(weights) if int8 else weights
        weights |= {_OF_CODEC + name: value for name, value in codec_tensors.items()}
        save_file(weights, partial / _WEIGHTS, metadata={"format": "pt"})
        tokenizer.save(partial)
        _write_config(partial, reader, settings)
    except (OSError, SafetensorError) as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise CheckpointError(f"{folder} can't be written: {reason_of(error)}") from None
    if folder.exists():
        for name in (_CONFIG, _WEIGHTS, _TOKENIZER):
            (partial / name).replace(folder / name)
        partial.rmdir()
    else:
        partial.replace(folder)


def save_settings(checkpoint: Checkpoint, settings: Settings) -> Checkpoint:
    """Write new settings into a checkpoint's folder; its weights stay as they are."""
    _write_config(checkpoint.folder, checkpoint.reader, settings)
    return replace(checkpoint, settings=settings)


def load_checkpoint(
    folder: Path,
    *,
    dtype: torch.dtype | None = None,
    device: str = "auto",
    products: str = "exact",
) -> Checkpoint:
    """Read a checkpoint for inference, in `dtype`, by default the device's best.

    With `products="auto"`, for asking alone, the upper layers multiply in int8 where that is
    faster. States and vectors are the same either way.

    Raises: CheckpointError if a file is missing or doesn't fit the others; DeviceError as
    `engine.devices.chosen_device`, or for other products.
    """
    runs_on = chosen_device(device)
    dtype = dtype or best_dtype(runs_on)
    in_int8 = takes_int8(products, runs_on, dtype)
    config, heads, settings = _read_config(folder)
    weights_path = folder / _WEIGHTS
    try:
        file = WeightsFile(folder)
    except FileNotFoundError:
        raise CheckpointError(
            f"{folder} has no {_WEIGHTS}; copy the whole checkpoint folder"
        ) from None
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{weights_path} can't be read: {reason_of(error)}") from None
    tokenizer = Tokenizer.load(folder)
    greatest = max(tokenizer.vocabulary_size - 1, tokenizer.cls, tokenizer.sep)
    if greatest >= config.vocabulary:
        raise CheckpointError(
            f"{folder / _TOKENIZER} has {greatest + 1} pieces, the model of "
            f"{_CONFIG} {config.vocabulary}; copy the whole checkpoint folder"
        )
    try:
        with without_weights():
            reader = Reader.shaped(config, heads)
            reader.add_skipping(settings.skipping)
    except CheckpointError as error:
        raise CheckpointError(f"{folder / _CONFIG} doesn't fit: {error}") from None
    try:
        weights = from_int8_rows(file.tensors())
        of_codec = {name for name in weights if name.startswith(_OF_CODEC)}
        tensors = {name.removeprefix(_OF_CODEC): weights.pop(name) for name in of_codec}
        for name, tensor in weights.items():
            if not tensor.is_floating_point():
                raise RuntimeError(f"{name} is of {tensor.dtype}, which weights aren't")
        reader.load_state_dict(weights, assign=True)
    except (SafetensorError, RuntimeError, OSError, ValueError, TypeError) as error:
        reason = " ".join(str(error).split())[:300]
        raise CheckpointError(f"{weights_path} doesn't fit {_CONFIG}: {reason}") from None
    reader = reader.to(runs_on, dtype).eval().requires_grad_(False)
    if in_int8:
        use_int8(reader.upper)
    fingerprint = _fingerprint(file, folder / _TOKENIZER, config, settings)
    checkpoint = Checkpoint(folder, reader, tokenizer, settings, fingerprint, tensors)
    try:
        _ = checkpoint.bytes_per_token
    except CheckpointError as error:
        raise CheckpointError(f"{folder / _CONFIG} doesn't fit: {error}") from None
    return checkpoint


def load_teacher(
    folder: Path,
    *,
    dtype: torch.dtype | None = None,
    device: str = "auto",
    products: str = "exact",
) -> Checkpoint:
    """As `load_checkpoint`, for an undecomposed reader.

    Raises: CheckpointError as there, and if it has layers below a cut.
    """
    checkpoint = load_checkpoint(folder, dtype=dtype, device=device, products=products)
    if checkpoint.reader.encoder.config.lower:
        raise CheckpointError(
            f"{folder} isn't an undecomposed reader: it has a cut; make one with: engine train "
            "teacher, or engine convert --split 0"
        )
    return checkpoint


def _fingerprint(
    weights: WeightsFile, tokenizer: Path, config: EncoderConfig, settings: Settings
) -> str:
    digest = hashlib.blake2b(digest_size=8)
    for block in weights.blocks():
        digest.update(block)
    digest.update(tokenizer.read_bytes())
    digest.update(json.dumps(config.to_dict(), sort_keys=True).encode())
    digest.update(settings.codec.encode())
    return digest.hexdigest()


def _write_config(folder: Path, reader: Reader, settings: Settings) -> None:
    encoder, heads = reader.encoder.config.to_dict(), list(reader.heads)
    content = {"format": FORMAT, "encoder": encoder, "heads": heads, **asdict(settings)}
    content["skipping"] = skipping_to_dict(settings.skipping)
    partial = folder / (_CONFIG + ".partial")
    partial.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    partial.replace(folder / _CONFIG)


def _read_config(folder: Path) -> tuple[EncoderConfig, list[str], Settings]:
    """Shape, the heads beside span, null and relevance, and the rest; older files name no heads."""
    path = folder / _CONFIG
    try:
        content = of_type(dict[str, Any], from_json(path.read_text(encoding="utf-8")))
        encoder = content["encoder"]
    except FileNotFoundError:
        raise CheckpointError(f"{folder} isn't a checkpoint: it has no {_CONFIG}") from None
    except OSError as error:
        raise CheckpointError(f"{path} can't be read ({reason_of(error)})") from None
    except (ValueError, KeyError):
        raise CheckpointError(
            f"{path} isn't a Foreread checkpoint's; one is made with: engine train"
        ) from None
    if (found := content.get("format")) != FORMAT:
        raise CheckpointError(
            f"{folder} is of checkpoint format {str(found)[:40]}; this is format {FORMAT}"
        )
    settings = {k: v for k, v in content.items() if k not in ("format", "encoder", "heads")}
    heads = content.get("heads", [])
    if not isinstance(heads, list) or not all(isinstance(head, str) for head in heads):
        raise CheckpointError(f"{path} should list its heads by name, not {heads!r:.40}")
    try:
        calibration = Calibration.from_dict(settings.pop("calibration", {}))
        skipping = _skipping(settings)
        whole = of_types_of_defaults(Settings(calibration=calibration, **settings))
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"{path} has settings that don't fit: {error}") from None
    except CheckpointError as error:
        raise CheckpointError(f"{path} doesn't fit: {error}") from None
    try:
        whole = replace(whole, skipping=skipping)
        config = EncoderConfig.from_dict(encoder)
        _refuse_long_texts(config, whole)
        return config, heads, whole
    except CheckpointError as error:
        raise CheckpointError(f"{path} doesn't fit: {error}") from None


def _refuse_long_texts(config: EncoderConfig, settings: Settings) -> None:
    """Raises: CheckpointError if the encoder can't read texts as long as the settings say."""
    most = {"passage_limit": config.positions - 1, "question_limit": config.positions - 2}
    for name, greatest in most.items():
        if not 1 <= (found := getattr(settings, name)) <= greatest:
            raise CheckpointError(f"{name} should be 1 to {greatest}, not {found!r:.40}")


def _skipping(settings: dict[str, Any]) -> Skipping:
    """The policy, taken out of the settings; files from before policies have only `skim`."""
    skim = settings.pop("skim", 0)
    if not isinstance(skim, int) or isinstance(skim, bool) or skim < 0:
        raise TypeError(f"skim should be a whole number from 0 on, not {skim!r:.40}")
    named = settings.pop("skipping", None)
    return last_layer(skim) if named is None else skipping_from_dict(named)
