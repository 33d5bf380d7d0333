"""The codecs that this version knows, by the name that a checkpoint or an index says."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from torch import Tensor

from engine.codecs.codec import Codec
from engine.codecs.float16 import Float16Codec
from engine.codecs.int8 import Int8Codec
from engine.errors import CheckpointError

CODECS: dict[str, Callable[..., Codec]] = {
    Float16Codec.name: Float16Codec,
    Int8Codec.name: Int8Codec,
}
NO_TENSORS: Mapping[str, Tensor] = MappingProxyType({})


def codec_of(name: str, tensors: Mapping[str, Tensor] = NO_TENSORS) -> Codec:
    """The codec of that name, made of its `tensors`, by name; most have none.

    Raises: CheckpointError if there is no such codec, or the tensors aren't its own.
    """
    if name not in CODECS:
        raise CheckpointError(
            f"no codec for states is named {name!r}; this version knows {known_codecs()}"
        )
    try:
        return CODECS[name](**tensors)
    except (TypeError, ValueError) as error:
        given = ", ".join(tensors) or "none"
        raise CheckpointError(
            f"the codec {name!r} doesn't fit its tensors ({given}): {error}"
        ) from None


def known_codecs() -> str:
    return ", ".join(sorted(CODECS))
