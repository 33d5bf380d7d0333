"""From bytes to text: a bad byte costs that byte, and a guess of the encoding is said."""

import pytest

from engine.documents import Document
from indexer.readers import plain_text
from indexer.readers.decoding import codec_of, decode
from indexer.readers.limits import Limits
from indexer.readers.outcome import RawFile, UnreadableError, Warned

POLISH = "Prezesem jest Stanisław Dąbrówka, którego żona mieszka w Łodzi, a syn na wsi."
CZECH = "Ředitelem knihovny je Jiří Dvořák, který bydlí v Plzni a píše o řece Úhlavě."
HUNGARIAN = "Az igazgató Szűcs Győző, aki a fűtőházban lakik, és öt könyvet írt a tűzről."
RUSSIAN = "Смотритель зажёг лампу на закате, и корабли увидели её за двадцать миль."
UKRAINIAN = "Доглядач засвітив лампу, і її було видно з берега, де жили його діти."
GREEK = "Ο φύλακας άναψε τη λάμπα στο ηλιοβασίλεμα και τα πλοία την είδαν από μακριά."
TURKISH = "Fener bekçisi akşamüstü lambayı yaktı, gemiler ışığı çok uzaktan gördü."
HEBREW = "שומר המגדלור הדליק את המנורה עם שקיעה והאוניות ראו אותה ממרחק רב."
ARABIC = "أشعل حارس المنارة المصباح عند الغروب ورأته السفن من مسافة بعيدة."
FRENCH = "Le gardien a allumé la lampe à la tombée de la nuit ; l'été, il dînait tôt."
GERMAN = "Der Wärter zündete die Lampe bei Dämmerung an; die Schiffe grüßten von weither."
JAPANESE = "灯台守は夕暮れに灯をともした。船はその光を遠くから見ていたという。"
CHINESE = "图书馆由朱镕主持，每天早上九点开门，晚上八点关门，星期一休息。"
KOREAN = "등대지기는 해질 무렵에 등불을 켰고 배들은 멀리서 그 빛을 보았다."


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (POLISH, "cp1250"),
        (POLISH, "iso8859-2"),
        (CZECH, "cp1250"),
        (HUNGARIAN, "cp1250"),
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "koi8-r"),
        (RUSSIAN, "cp866"),
        (UKRAINIAN, "cp1251"),
        (GREEK, "cp1253"),
        (TURKISH, "cp1254"),
        (HEBREW, "cp1255"),
        (ARABIC, "cp1256"),
        (FRENCH, "cp1252"),
        (FRENCH, "mac-roman"),
        (GERMAN, "cp1252"),
        (JAPANESE, "cp932"),
        (JAPANESE, "euc_jp"),
        (JAPANESE, "iso2022_jp"),
        (CHINESE, "gb18030"),
        (CHINESE.replace("镕", ""), "hz"),
        (KOREAN, "cp949"),
        *[
            (text, wide)
            for text in (GERMAN, RUSSIAN, CHINESE)
            for wide in ("utf-16-le", "utf-16-be")
        ],
        (GERMAN, "utf-32-be"),
    ],
)
def test_text_without_a_mark_or_label_is_read_in_its_encoding(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding)).text == text


def test_a_guess_from_a_few_letters_is_said_with_the_encoding_that_was_guessed() -> None:
    decoded = decode("Kto? Stanisław Dąbrówka".encode("cp1250"))
    assert decoded.encoding == "cp1250"
    (doubt,) = decoded.doubts
    assert doubt == "its encoding is unsure; read as CP1250, save it as UTF-8 if it isn't"
    assert decode((RUSSIAN * 5).encode("cp1251")).doubts == ()


@pytest.mark.parametrize("text", ["The café is open", "It’s open", "It is 5 °C", "£5 – or more"])
def test_where_one_or_two_letters_must_tell_the_text_is_western(text: str) -> None:
    assert decode(text.encode("cp1252")).text == text


@pytest.mark.parametrize(
    ("label", "text", "codec"),
    [
        ("iso-8859-1", "“Cards” cost 5 €", "cp1252"),
        ("US-ASCII", "“Cards” cost 5 €", "cp1252"),
        ("iso-8859-9", "ışığı “çok”", "cp1254"),
        ("gb2312", "朱镕基", "gb18030"),
        ("GBK", "朱镕基", "gb18030"),
        ("shift_jis", "①髙", "cp932"),
        ("x-sjis", "①髙", "cp932"),
        ("ks_c_5601-1987", "똠방각하", "cp949"),
        ("euc-kr", "똠방각하", "cp949"),
        ("tis-620", "ประภาคาร", "cp874"),
        ("x-mac-cyrillic", "лампа", "mac-cyrillic"),
        ("macintosh", "lámpa", "mac-roman"),
        ("big5", "燈塔", "big5hkscs"),
    ],
)
def test_labels_mean_what_they_mean_to_browsers(label: str, text: str, codec: str) -> None:
    assert decode(text.encode(codec), label).text == text


def test_labels_that_nobody_knows_or_that_are_not_for_text_are_none() -> None:
    assert [codec_of(label) for label in ("klingon", "base64", "rot13", "x-user-defined")] == [
        None
    ] * 4


def test_a_mark_wins_over_a_label_and_sound_utf8_over_a_label_of_single_bytes() -> None:
    assert decode(FRENCH.encode("utf-8-sig"), "koi8-r").text == FRENCH
    assert decode("\ufeffé".encode("utf-16-le"), "utf-8").text == "é"
    assert decode(FRENCH.encode(), "iso-8859-1").text == FRENCH


def test_a_label_that_the_bytes_belie_is_not_believed() -> None:
    assert decode(RUSSIAN.encode("cp1251"), "utf-8").text == RUSSIAN
    assert decode(JAPANESE.encode("euc_jp"), "ascii").text != ""


@pytest.mark.parametrize("bad", [b"\xff", b"\xc3", b"\xe9", b"\xed\xa0"])
def test_a_bad_byte_costs_that_byte_and_is_told(bad: bytes) -> None:
    before, after = "L'été à Genève, le café", " est fermé."
    decoded = decode(before.encode() + bad + after.encode())
    assert decoded.encoding == "utf-8"
    assert decoded.text.replace("\ufffd", "") == before + after
    assert decoded.doubts[0].startswith("bytes that aren't UTF-8 in ")
    assert decoded.doubts[0].endswith(f"from byte {len(before.encode())}")


def test_a_bad_byte_in_an_encoding_that_is_declared_costs_that_byte() -> None:
    decoded = decode(JAPANESE.encode("euc_jp") + b"\xff end", "euc-jp")
    assert decoded.text == JAPANESE + "\ufffd end"
    assert decoded.doubts == ("bytes that aren't EUC_JP in 1 place, from byte 66",)


def test_a_byte_too_many_at_the_end_of_utf16_costs_that_byte() -> None:
    for mark in (b"\xff\xfe", b""):
        decoded = decode(mark + GERMAN.encode("utf-16-le") + b"x")
        assert decoded.text == GERMAN + "\ufffd"
        assert len(decoded.doubts) == 1


def test_nulls_cost_those_characters_and_are_told() -> None:
    decoded = decode(b"The director is Hol\0lis of the town.")
    assert decoded.text == "The director is Hol\ufffdlis of the town."
    assert decoded.doubts == ("1 null character in it",)
    assert decode(b"A log that was cut short." + b"\0" * 500).text == "A log that was cut short."


def test_a_null_and_a_bad_byte_do_not_make_a_short_text_utf16() -> None:
    decoded = decode(b"# T\n\nHol\0lis caf\xc3\xa9 \xff end")
    assert decoded.text == "# T\n\nHol\ufffdlis café \ufffd end"
    assert len(decoded.doubts) == 2


def test_control_characters_do_not_make_a_text_binary() -> None:
    assert decode("control \x01\x02 characters and é".encode("cp1252")).text.endswith("and é")
    assert decode(b"N\x08NA\x08AM\x08M \x1b[1mbold\x1b[0m").doubts == ()


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"GIF89a\0\1", "image/gif"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1", "image/png"),
        (b"\x7fELF\2\1\1\0\0\0\0\0\0\0\0\0\3\0\x3e\0\1\0\0\0", "application/x-elf"),
        (bytes(range(256)) * 4, "binary, not text"),
    ],
)
def test_binary_files_are_refused_by_their_kind(data: bytes, kind: str) -> None:
    with pytest.raises(UnreadableError, match=kind):
        decode(data)


def test_a_file_of_mostly_ascii_is_judged_by_the_lines_that_tell() -> None:
    data = b"plain words\n" * 30_000 + RUSSIAN.encode("cp1251") * 3
    assert decode(data).text.endswith(RUSSIAN)


def test_readers_tell_what_was_doubtful_and_read_the_rest() -> None:
    warned, document = plain_text.read(RawFile("a.txt", "a", b"Hol\0lis"), Limits())
    assert warned == Warned("a.txt", "1 null character in it")
    assert isinstance(document, Document)
    assert document.text == "Hol\ufffdlis"
