"""Languages: the known codes, and detection of a text's language."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from engine.errors import SourceError

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

ENGLISH = "en"
# ISO 639-1: the languages that can be detected, and Yiddish, which can only be named.
_CODES = (
    "af am an ar as az ba be bg bn br bs ca cs cy da de dz el en eo es et eu fa fi fo fr fy ga "
    "gd gl gu ha he hi hr ht hu hy id ig is it ja jv ka kk km kn ko ku ky la lb lg ln lo lt lv "
    "mg mk ml mn mr ms mt my ne nl no oc om or pa pl ps pt qu ro ru rw sa se si sk sl sn so sq "
    "sr st sv sw ta te tg th tk tl tr tt ug uk ur uz vi vo wa xh yi yo zh zu"
)
LANGUAGES = frozenset(_CODES.split())
_SAME = {"nb": "no", "nn": "no", "iw": "he", "in": "id", "ji": "yi"}
_NONE = "zxx"  # the identifier's code for text in no language: numbers, markup
LOOKED_AT = 2000  # characters of each text
_SURE = 0.5


@dataclass(frozen=True)
class Detected:
    """The language of most of the text, and its `share` of the letters.

    If no text tells the language, it is English with a share of 0.
    """

    language: str
    share: float


def language_code(name: str) -> str:
    """The code of a language: `es`, `ES` and `es-MX` are all Spanish.

    Raises: SourceError if it isn't known.
    """
    code = name.strip().lower().replace("_", "-").partition("-")[0]
    code = _SAME.get(code, code)
    if code not in LANGUAGES:
        raise SourceError(
            f"language {name!r} isn't known; give a two-letter code of ISO 639-1, such as en, es "
            "or zh"
        )
    return code


def detect_language(texts: Iterable[str]) -> Detected:
    """The language of most letters in the texts' beginnings; the same texts give the same one.

    A text that is too short or too strange to tell doesn't count.
    """
    letters: dict[str, int] = {}
    for text in texts:
        beginning = text[:LOOKED_AT]
        language, probability = _identifier().classify(beginning)
        if probability >= _SURE and language != _NONE:
            count = sum(map(str.isalpha, beginning))
            code = _SAME.get(language, language)
            letters[code] = letters.get(code, 0) + count
    if not any(letters.values()):
        return Detected(ENGLISH, 0.0)
    most = min(letters, key=lambda code: (-letters[code], code))
    return Detected(most, letters[most] / sum(letters.values()))


@cache
def _identifier() -> "LanguageIdentifier":
    # Loading takes a second, and questions don't need it.
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages([*(LANGUAGES - {"yi"}), "nn", _NONE])
    return identifier
