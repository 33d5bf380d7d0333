"""The codecs that this version knows, without loading them: importing torch takes seconds."""

Bytes = bytes | bytearray | memoryview

CODECS = {
    "float16": "engine.codecs.float16:Float16Codec",
    "int8": "engine.codecs.int8:Int8Codec",
    "product": "engine.codecs.product:ProductCodec",
}
"""Where the class of each codec is, by the name that a checkpoint or an index says."""


def known_codecs() -> str:
    return ", ".join(sorted(CODECS))
