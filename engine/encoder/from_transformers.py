"""Checkpoints of `transformers` as split encoders."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from torch import Tensor

from engine.encoder.config import EncoderConfig
from engine.encoder.families import family_of
from engine.encoder.layer import activation_approximation
from engine.encoder.split import SplitEncoder
from engine.errors import CheckpointError
from engine.text.tokenization import Tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

_SPAN_HEAD = {"qa_outputs.weight", "qa_outputs.bias"}
_NAMED = 4


@dataclass(frozen=True)
class SpanHead:
    """The map from a token's state to its start and end logit: (2, hidden width) and (2,)."""

    weight: Tensor
    bias: Tensor


@dataclass(frozen=True)
class Foreign:
    """A checkpoint of `transformers` as a split encoder; `span` is its span head, if it has one."""

    encoder: SplitEncoder
    span: SpanHead | None


def load_transformers(
    name_or_folder: str | Path,
    *,
    lower: Sequence[int] = (),
    upper: Sequence[int] | None = None,
    vector: Sequence[int] = (),
) -> SplitEncoder:
    """A checkpoint of a known family, by hub name or folder, as a split encoder in fp32.

    `lower`, `upper` and `vector` name the layers to keep, from 1; `upper=None` keeps every layer
    that `lower` leaves above its last one.

    Raises: CheckpointError for another family, an unknown layer, or weights that are missing or
    of the wrong shape.
    """
    return load_foreign(name_or_folder, lower=lower, upper=upper, vector=vector).encoder


def load_foreign(
    name_or_folder: str | Path,
    *,
    lower: Sequence[int] = (),
    upper: Sequence[int] | None = None,
    vector: Sequence[int] = (),
) -> Foreign:
    """As `load_transformers`, with the span head where there is one."""
    from transformers import AutoModelForQuestionAnswering

    theirs = _load_config(name_or_folder)
    try:
        family = family_of(theirs.model_type)
        if upper is None:
            n_layers = family.settings(theirs.to_dict())["n_layers"]
            upper = range(max(lower, default=0) + 1, n_layers + 1)
            if not upper:
                raise CheckpointError(
                    f"a cut at {max(lower, default=0)} leaves no layer above it; the model has "
                    f"{n_layers} layers"
                )
        config = encoder_config(theirs.to_dict(), lower=lower, upper=upper, vector=vector)
    except CheckpointError as error:
        raise CheckpointError(f"{name_or_folder} can't be used: {error}") from None
    try:
        with _quiet():
            model, report = AutoModelForQuestionAnswering.from_pretrained(
                name_or_folder,
                config=theirs,
                use_safetensors=True,
                ignore_mismatched_sizes=True,  # they are named below
                output_loading_info=True,
                dtype=torch.float32,
            )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise CheckpointError(f"no weights at {name_or_folder}: {_one_line(error)}") from None
    missing = set(report["missing_keys"])
    has_head = not missing >= _SPAN_HEAD
    if lacking := sorted(missing if has_head else missing - _SPAN_HEAD):
        raise CheckpointError(f"{name_or_folder} lacks the weights {_some(lacking)}")
    if unfit := sorted(report["mismatched_keys"]):
        told = [f"{name} {list(found)}, not {list(due)}" for name, found, due in unfit]
        raise CheckpointError(
            f"{name_or_folder} has weights of another shape than its config.json: {_some(told)}"
        )
    head = model.qa_outputs
    if has_head and head.weight.shape[0] != 2:
        raise CheckpointError(
            f"{name_or_folder} has qa_outputs of {head.weight.shape[0]} logits; spans have 2"
        )
    span = SpanHead(head.weight.detach(), head.bias.detach()) if has_head else None
    return Foreign(from_state_dict(model.base_model.state_dict(), config), span)


def load_transformers_tokenizer(name_or_folder: str | Path) -> Tokenizer:
    """The fast tokenizer of a `transformers` checkpoint, by hub name or folder.

    Raises: CheckpointError if there is none.
    """
    if (Path(name_or_folder) / "tokenizer.json").is_file():
        return Tokenizer.load(Path(name_or_folder))
    from transformers import AutoTokenizer

    try:
        with _quiet():
            found = AutoTokenizer.from_pretrained(name_or_folder, trust_remote_code=False)
    except Exception as error:  # other formats of vocabularies fail in various ways
        raise CheckpointError(f"no tokenizer at {name_or_folder}: {_one_line(error)}") from None
    if not found.is_fast:
        raise CheckpointError(f"{name_or_folder} has no fast tokenizer, which offsets need")
    # Without any vocabulary, the library makes a tokenizer of special pieces alone.
    if set(found.get_vocab()) <= set(found.all_special_tokens):
        raise CheckpointError(
            f"no tokenizer at {name_or_folder}; its tokenizer.json belongs beside its weights"
        )
    return Tokenizer(found.backend_tokenizer)


def encoder_config(
    theirs: Mapping[str, Any],
    *,
    lower: Sequence[int],
    upper: Sequence[int],
    vector: Sequence[int] = (),
) -> EncoderConfig:
    """Our settings from a `transformers` configuration as a dictionary.

    Raises: CheckpointError for a family or variant that can't be split, a layer that it lacks, or
    an unsupported activation.
    """
    settings = family_of(theirs["model_type"]).settings(theirs)
    n_layers = settings.pop("n_layers")
    for layer in (*lower, *upper, *vector):
        if not 1 <= layer <= n_layers:
            raise CheckpointError(f"layer {layer} asked for, the model has 1 to {n_layers}")
    activation_approximation(settings["activation"])
    return EncoderConfig(**settings, lower=tuple(lower), upper=tuple(upper), vector=tuple(vector))


def from_state_dict(weights: Mapping[str, Tensor], config: EncoderConfig) -> SplitEncoder:
    """A split encoder from the state dict of a `transformers` encoder without heads.

    Raises: CheckpointError if a weight is missing or of another shape.
    """
    family = family_of(config.family)
    encoder = SplitEncoder(config)
    ours = {}
    try:
        for name, value in family.embeddings(weights, config).items():
            ours[f"embeddings.{name}"] = value
        for part in ("lower", "upper", "vector"):
            for index, number in enumerate(getattr(config, part)):
                for name, value in family.layer(weights, number).items():
                    ours[f"{part}.{index}.{name}"] = value
    except KeyError as error:
        raise CheckpointError(f"the model lacks the weight {error.args[0]}") from None
    try:
        encoder.load_state_dict(ours)
    except RuntimeError as error:
        raise CheckpointError(f"the weights don't fit the settings: {_one_line(error)}") from None
    return encoder


def _load_config(name_or_folder: str | Path) -> "PreTrainedConfig":
    from huggingface_hub.errors import StrictDataclassError
    from transformers import AutoConfig

    try:
        with _quiet():
            found: PreTrainedConfig = AutoConfig.from_pretrained(
                name_or_folder, trust_remote_code=False
            )
            return found
    except (OSError, ValueError, StrictDataclassError) as error:
        reason = _no_folder(name_or_folder) or _one_line(error)
        raise CheckpointError(f"no model at {name_or_folder}: {reason}") from None


def _no_folder(name_or_folder: str | Path) -> str:
    """The error for a name that can only be a folder and isn't one; the hub's would mislead."""
    name = str(name_or_folder)
    if name.startswith(("/", ".", "~")) and not Path(name).is_dir():
        return "there's no such folder; name one that transformers loads, or a model on the hub"
    return ""


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the library's bars and tables; our own messages cover what matters in them."""
    from transformers.utils import logging as typed

    logging: Any = typed  # its functions have no annotations
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
