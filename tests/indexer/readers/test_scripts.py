"""Sentences, passages and offsets in many scripts, by texts written for these tests."""

import html
import re
import unicodedata

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.answering.shown import ShownPassage
from engine.documents import Document
from engine.text.sentences import sentence_spans
from engine.text.tokenization import Tokenizer
from indexer.passages import cut_passages
from ui.render import marked

# Three sentences of each, as a list, and what stands between them.
TEXTS = {
    "zh": (["守塔人在黄昏点亮了灯。", "谁看见了它？", "一艘船！"], ""),
    "zh, half width": (["守塔人点了灯｡", "谁看见了？", "船！"], ""),
    "ja": (["灯台守は灯をともした。", "だれが見たのか？", "船だ！"], ""),
    "ar": (["أشعل الحارس المصباح.", "من رآه؟", "سفينة!"], " "),
    "fa": (["نگهبان چراغ را روشن کرد.", "چه کسی آن را دید؟", "یک کشتی!"], " "),
    "ur": (["چوکیدار نے چراغ جلایا۔", "کس نے دیکھا؟", "ایک جہاز نے۔"], " "),
    "he": (["השומר הדליק את המנורה.", "מי ראה אותה?", "ספינה!"], " "),
    "hi": (["रखवाले ने दीपक जलाया।", "किसने देखा?", "एक जहाज़ ने।"], " "),
    "sa": (["दीपः प्रज्वलितः।", "नाविकः अपश्यत्॥", "सः हृष्टः।"], " "),
    "bn": (["রক্ষী বাতি জ্বালাল।", "কে দেখল?", "একটি জাহাজ।"], " "),
    "hy": (["Պահակը վառեց լամպը։", "Նավը տեսավ այն։", "Բոլորը լռեցին։"], " "),
    "am": (["ጠባቂው መብራቱን አበራ።", "መርከብ አየው።", "ሁሉም ዝም አሉ።"], " "),
    "my": (["မီးပြစောင့်က မီးထွန်းသည်။", "သင်္ဘောက မြင်သည်။", "လူတိုင်း ငြိမ်သည်။"], " "),
    "km": (["អ្នកយាមបានអុជចង្កៀង។", "កប៉ាល់បានឃើញវា។", "គ្រប់គ្នាស្ងៀម។"], " "),
    "bo": (["བསྲུང་མིས་སྒྲོན་མེ་སྤར།", "གྲུ་གཟིངས་ཀྱིས་མཐོང་།", "ཚང་མ་ཁ་རོག་བསྡད།"], " "),
    "ko": (["등대지기가 등불을 켰다.", "누가 보았나?", "배 한 척!"], " "),
    "ru": (["Смотритель зажёг лампу.", "Кто её видел?", "Корабль!"], " "),
    "el": (["Ο φύλακας άναψε τη λάμπα.", "Ένα πλοίο την είδε.", "Όλοι σώπασαν!"], " "),
    "es": (["El guardián encendió la lámpara.", "¿Quién la vio?", "¡Un barco!"], " "),
    "vi": (["Người gác thắp đèn.", "Ai nhìn thấy nó?", "Một con tàu!"], " "),
}
# Thai ends its sentences by a space alone.
THAI = ["คนเฝ้าประภาคารจุดตะเกียง", "ใครเห็นมัน", "เรือลำหนึ่งเห็น"]
WRITTEN = [*(sentence for sentences, _ in TEXTS.values() for sentence in sentences), *THAI]


@pytest.mark.parametrize("language", TEXTS)
def test_sentences_end_at_the_marks_of_each_script(language: str) -> None:
    sentences, between = TEXTS[language]
    text = between.join(sentences)
    assert [text[start:end] for start, end in sentence_spans(text)] == sentences


@pytest.mark.parametrize("language", TEXTS)
def test_passages_end_where_sentences_do_in_each_script(family: Tokenizer, language: str) -> None:
    sentences, between = TEXTS[language]
    text = between.join(sentences)
    longest = max(len(family.encode(sentence)) for sentence in sentences)
    found = cut_passages(Document("d", "d.txt", None, text), family, longest + 1)
    parts = [text[p.start : p.end] for p in found]
    assert between.join(parts) == text
    for part in parts:
        assert part.endswith(tuple(sentences))
        assert part.startswith(tuple(sentences))


def test_thai_passages_end_at_spaces(family: Tokenizer) -> None:
    text = " ".join(THAI * 6)
    limit = 3 * max(len(family.encode(part)) for part in THAI)
    passages = list(cut_passages(Document("d", "d.txt", None, text), family, limit))
    parts = [text[p.start : p.end] for p in passages]
    assert len(parts) > 1
    assert " ".join(parts) == text


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.sampled_from(WRITTEN), min_size=1, max_size=12),
    st.sampled_from(["", " ", "\n", "\n\n", "\u3000"]),
    st.integers(4, 60),
    st.data(),
)
def test_any_span_of_pieces_is_found_and_marked_where_it_stands(
    family: Tokenizer, sentences: list[str], between: str, limit: int, data: st.DataObject
) -> None:
    """As an answer is: from the first code point of a piece to the last of another."""
    text = between.join(sentences)
    passages = list(cut_passages(Document("d", "d.txt", None, text), family, limit))
    passage = data.draw(st.sampled_from(passages))
    first = data.draw(st.integers(0, len(passage.pieces) - 1))
    last = data.draw(st.integers(first, len(passage.pieces) - 1))
    start, end = int(passage.offsets[first, 0]), int(passage.offsets[last, 1])
    answer = text[start:end]
    assert answer
    assert answer == answer.strip()
    whole = text[passage.start : passage.end]
    at, to = start - passage.start, end - passage.start
    shown = marked(ShownPassage(whole, at, to, 0, len(whole)))
    (found,) = re.findall(r"<mark>(.*?)</mark>", shown, re.DOTALL)
    assert html.unescape(found) == answer


@given(st.lists(st.sampled_from(WRITTEN), max_size=12), st.sampled_from(["", " ", "\n"]))
def test_a_sentence_s_end_never_parts_a_letter_from_its_marks(
    sentences: list[str], between: str
) -> None:
    text = between.join(sentences)
    for start, _ in sentence_spans(text):
        assert not unicodedata.category(text[start]).startswith("M")
