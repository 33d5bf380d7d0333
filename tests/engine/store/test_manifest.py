"""What an index says of itself: written as ever, read from before, refused by name."""

from typing import Any

import pytest

from engine.errors import IndexStoreError
from engine.store.manifest import IndexSettings, Manifest

SETTINGS = IndexSettings("f00d", "int8", 384, 388, 384, "foreread-1-en", 160, {"overlap": 32})


def written(**changed: Any) -> dict[str, Any]:
    """A manifest as versions wrote it that kept no bytes of a token, with some settings changed."""
    fields = Manifest.new(SETTINGS).to_dict()
    del fields["settings"]["bytes_per_token"]
    fields["settings"] |= changed
    return fields


def test_a_manifest_comes_back_as_it_was_written():
    manifest = Manifest.new(SETTINGS)
    assert manifest.to_dict()["settings"]["hidden_size"] == 384
    assert Manifest.from_dict(manifest.to_dict(), "papers.idx") == manifest


@pytest.mark.parametrize(("codec", "size"), [("int8", 388), ("float16", 768)])
def test_the_bytes_of_a_token_follow_from_the_codec_of_an_older_index(codec: str, size: int):
    settings = Manifest.from_dict(written(codec=codec), "papers.idx").settings
    assert (settings.codec, settings.hidden_width, settings.bytes_per_token) == (codec, 384, size)


@pytest.mark.parametrize("more", [{}, {"bytes_per_token": 48}])
def test_a_codec_that_this_version_does_not_know_is_refused_by_name(more: dict[str, int]):
    with pytest.raises(IndexStoreError, match=r"^papers.idx .* codec 'zip' .* float16, int8"):
        Manifest.from_dict(written(codec="zip", **more), "papers.idx")
