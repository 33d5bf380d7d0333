"""A codec made of its name and its tensors."""

import pkgutil
from collections.abc import Mapping
from types import MappingProxyType

from torch import Tensor

from engine.codecs.codec import Codec
from engine.codecs.names import CODECS, known_codecs
from engine.errors import CheckpointError

NO_TENSORS: Mapping[str, Tensor] = MappingProxyType({})


def codec_of(name: str, tensors: Mapping[str, Tensor] = NO_TENSORS) -> Codec:
    """The codec of that name, made with its `tensors`, by name; most have none.

    Raises: CheckpointError if there is no such codec, or the tensors aren't its own.
    """
    if name not in CODECS:
        raise CheckpointError(
            f"no codec for states is named {name!r}; this version knows {known_codecs()}"
        )
    try:
        codec: Codec = pkgutil.resolve_name(CODECS[name])(**tensors)
        return codec
    except (TypeError, ValueError) as error:
        given = ", ".join(tensors) or "none"
        raise CheckpointError(
            f"the codec {name!r} doesn't fit its tensors ({given}): {error}"
        ) from None
