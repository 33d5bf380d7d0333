"""Exact match and F1 as the official SQuAD scripts count them, worked by hand."""

import pytest

from engine.datasets.squad import SquadQuestion
from engine.evaluation.metrics import decided, expected_calibration_error, reliability
from engine.evaluation.reading import Prediction, score
from engine.text.matching import exact_match, f1, normalise


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        ("The Eiffel Tower", "eiffel tower"),
        ("a cat, an owl & the dog", "cat owl dog"),  # & is ASCII punctuation
        ("theatre and Anthem", "theatre and anthem"),  # articles only as whole words
        ("  two\t\nspaces  ", "two spaces"),
        ("U.S.A.", "usa"),  # punctuation goes without leaving a space
        ("well-known", "wellknown"),
        ("a.", ""),  # punctuation goes first, and leaves an article
        ("the-end", "theend"),
        ("“quoted” – «so»", "“quoted” – «so»"),  # only ASCII punctuation goes
        ("ÉCOLE Ångström", "école ångström"),
        ("$4.5 (million)!", "45 million"),
        ("", ""),
        ("The", ""),
    ],
)
def test_answers_are_normalised_as_the_official_script_does(answer: str, wanted: str) -> None:
    assert normalise(answer) == wanted


def test_exact_match_is_of_any_answer_after_normalising() -> None:
    assert exact_match("The Bell!", ["clock", "bell"]) == 1.0
    assert exact_match("bells", ["clock", "bell"]) == 0.0
    assert exact_match("", ["bell"]) == 0.0


@pytest.mark.parametrize(
    ("prediction", "gold", "wanted"),
    [
        ("red iron bridge", "iron bridge", 0.8),  # P 2/3, R 1
        ("the iron bridge", "iron bridge", 1.0),
        ("iron", "an old iron bridge of steel", 1 / 3),  # P 1, R 1/5: articles don't count
        ("mill", "bell", 0.0),
        # Repeated words count as often as they stand in both: 2 of 3, 2 of 2.
        ("new new new", "new new", 0.8),
        # Shared: new once of 3, york once: P 2/4, R 2/2.
        ("new new new york", "new york", 2 / 3),
        ("york new", "new york", 1.0),  # order doesn't count
        ("Ångström", "ångström.", 1.0),
        ("", "bell", 0.0),
        ("the", "bell", 0.0),
    ],
)
def test_f1_of_words_by_hand(prediction: str, gold: str, wanted: float) -> None:
    assert f1(prediction, [gold]) == pytest.approx(wanted)


def test_f1_is_the_best_over_the_answers() -> None:
    assert f1("iron bridge", ["mill", "red iron bridge", "iron"]) == pytest.approx(0.8)


def test_an_unanswerable_question_wants_the_empty_answer() -> None:
    for metric in (exact_match, f1):
        assert metric("", []) == 1.0
        assert metric("the", []) == 1.0  # normalises to nothing
        assert metric("bell", []) == 0.0
        # An answer of nothing but articles or punctuation is none.
        assert metric("", ["The", "."]) == 1.0
        assert metric("bell", ["The", "bell"]) == 1.0
        assert metric("", ["The", "bell"]) == 0.0


def asked(*answers: str) -> SquadQuestion:
    return SquadQuestion("q", "?", tuple((answer, 0) for answer in answers))


def test_scores_of_a_file_with_unanswerable_questions_by_hand() -> None:
    predictions = [
        Prediction(asked("iron bridge"), "red iron bridge", 1.0),  # EM 0, F1 0.8
        Prediction(asked("bell"), "bell", -1.0),  # taken for unanswerable: 0, 0
        Prediction(asked(), "mill", -0.5),  # rightly: 1, 1
        Prediction(asked(), "mill", 0.5),  # wrongly: 0, 0
    ]
    measured = score(predictions)
    # Said twice, once rightly; there are two.
    none = {"margin": 0.0, "precision": 0.5, "recall": 0.5, "f1": 0.5}
    assert measured.pop("no_answer") == none
    assert measured == pytest.approx(
        {"em": 25.0, "f1": 45.0, "questions": 4, "has_answer_f1": 40.0, "no_answer_accuracy": 50.0}
    )
    lower = score(predictions, null_threshold=-2.0)  # nothing is unanswerable: 0, 0.8; 1, 1; 0; 0
    assert (lower["em"], lower["f1"]) == pytest.approx((25.0, 45.0))
    assert lower["has_answer_f1"] == pytest.approx(90.0)


def test_without_unanswerable_questions_the_null_answer_is_not_allowed() -> None:
    predictions = [
        Prediction(asked("bell"), "bell", -9.0),
        Prediction(asked("iron bridge"), "bridge", -9.0),  # P 1, R 1/2
    ]
    wanted = {"em": 50.0, "f1": 100 * (1 + 2 / 3) / 2, "questions": 2}
    assert score(predictions) == pytest.approx(wanted)


def test_no_predictions_have_no_score() -> None:
    assert score([]) == {"em": None, "f1": None, "questions": 0}


def test_of_no_answered_questions_there_is_no_f1() -> None:
    unanswered = SquadQuestion("1", "Who?", ())
    told = score([Prediction(unanswered, "Ada", margin=-1.0)])
    assert (told["f1"], told["has_answer_f1"], told["no_answer_accuracy"]) == (100, None, 100)


def test_expected_calibration_error_by_hand() -> None:
    # Bins of a tenth: 0.31 and 0.39 go together, one of them right; 0.95 and 1.0 too, both right.
    confidences, correct = [0.31, 0.39, 0.95, 1.0], [True, False, True, True]
    error = expected_calibration_error(confidences, correct)
    assert error == pytest.approx(0.5 * abs(0.35 - 0.5) + 0.5 * abs(0.975 - 1))
    # In one bin, too much and too little make up for each other.
    assert expected_calibration_error([0.2, 0.8], [False, True], bins=1) == pytest.approx(0)
    assert expected_calibration_error([], []) == 0


def test_a_reliability_diagram_s_rows_by_hand() -> None:
    rows = reliability([0.31, 0.39, 0.95, 1.0], [True, False, True, True])
    assert rows == [
        {"from": 0.3, "to": 0.4, "answers": 2, "confidence": pytest.approx(0.35), "right": 0.5},
        {"from": 0.9, "to": 1.0, "answers": 2, "confidence": pytest.approx(0.975), "right": 1.0},
    ]
    assert reliability([], []) == []


@pytest.mark.parametrize(
    ("said", "true", "precision", "recall", "f1_"),
    [
        ([1, 1, 1, 0, 0], [1, 1, 0, 1, 0], 2 / 3, 2 / 3, 2 / 3),
        ([1, 0, 0, 0], [1, 1, 0, 0], 1, 1 / 2, 2 / 3),
        ([1, 1, 1, 1], [1, 0, 0, 0], 1 / 4, 1, 2 / 5),
        ([0, 0], [1, 0], 0, 0, 0),  # never said
        ([1, 0], [0, 0], 0, 0, 0),  # never true
        ([], [], 0, 0, 0),
    ],
)
def test_precision_and_recall_of_a_decision_by_hand(
    said: list[int], true: list[int], precision: float, recall: float, f1_: float
) -> None:
    measured = decided([bool(x) for x in said], [bool(x) for x in true])
    assert measured == pytest.approx({"precision": precision, "recall": recall, "f1": f1_})


@pytest.mark.parametrize(
    ("language", "answer", "wanted"),
    [
        ("es", "«La Ciudad» de los Reyes", "ciudad de reyes"),  # any punctuation, own articles
        ("es", "the A-Team", "the ateam"),  # not those of English
        ("de", "Der Dom zu Köln", "dom zu köln"),
        ("vi", "Những cây cầu của thành phố", "cây cầu thành phố"),
        ("ar", "الكتاب والقلم؟", "كتاب والقلم"),  # where a word begins, not in its midst
        ("ru", "«Маяк» – в 1872 г.", "маяк в 1872 г"),
        ("zh", "北京大学，NFL 308 分", "北 京 大 学 nfl 308 分"),
        ("ja", "東京タワー。", "東 京 タ ワ ー"),
        ("th", "ที่นี่ 7", "ที่ นี่ 7"),  # marks stay with their letters
        ("hi", "हिन्दी में।", "हिन्दी में"),
        ("en", "北京大学，", "北京大学，"),  # the official script knows nothing of it
    ],
)
def test_answers_in_other_languages_are_normalised_as_theirs(
    language: str, answer: str, wanted: str
) -> None:
    assert normalise(answer, language) == wanted


def test_in_chinese_each_character_counts() -> None:
    # Shared: 308 and 分 of three; then three characters of four. By spaces nothing would be.
    assert f1("308 分钟", ["308 分"], "zh") == pytest.approx(2 * (2 / 3) * 1 / (2 / 3 + 1))
    assert f1("北京大学", ["京大学"], "zh") == pytest.approx(6 / 7)
    assert f1("北京大学", ["京大学"]) == 0.0
    assert exact_match("北京大学。", ["北京 大学"], "zh") == 1.0
    assert exact_match("", ["。"], "zh") == 1.0
