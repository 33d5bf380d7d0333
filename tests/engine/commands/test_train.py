"""`engine train` as run from a shell."""

import gzip
import json
import re
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_tokenizers import byte_tokenizer
from transformers import BertConfig, BertModel

from engine.checkpoint import Settings, load_checkpoint, save_checkpoint
from engine.codecs.product_fit import FEWEST, fit_product
from engine.commands.main import app
from engine.evaluation.reading import predict
from engine.reading.cascade import Cascade
from engine.reading.skipping import EveryToken, LastLayer
from engine.text.tokenization import Tokenizer
from engine.training.batches import Batch, make_batch
from engine.training.examples import is_tune
from engine.training.material import gather_material


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    context = "The lighthouse was designed by Ada Kerr. The bridge was repaired in 1927."
    asked = [("Who designed the lighthouse?", "Ada Kerr"), ("When was it repaired?", "1927")]
    qas = [
        {
            "id": str(number),
            "question": question,
            "answers": [{"text": answer, "answer_start": context.index(answer)}],
        }
        for number, (question, answer) in enumerate(asked)
    ]
    paragraphs = [
        {
            "context": f"{context} {number}",
            "qas": [{**qa, "id": f"{number}-{qa['id']}"} for qa in qas],
        }
        for number in range(20)
    ]
    path = tmp_path / "questions.json"
    path.write_text(
        json.dumps({"version": "1.1", "data": [{"title": "", "paragraphs": paragraphs}]})
    )
    return path


def test_a_teacher_goes_on_from_another(
    run_command, make_model: Callable[..., Path], questions: Path, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr("engine.training.run.fit_skim", lambda *_, **__: LastLayer(5))
    start, out = make_model(lower=(), upper=(1, 2, 3, 4)), tmp_path / "teacher"
    # Nothing is learned at a rate of 0, so it stays what it began as.
    arguments = ["--start", start, "--out", out, "--epochs", 0.1, "--learning-rate", 0, "--json"]
    done = run_command(app, "train", "teacher", questions, *arguments)
    assert done.code == 0, done.err
    before, after = (load_checkpoint(one).reader.state_dict() for one in (start, out))
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert load_checkpoint(out).settings.skipping == EveryToken(), (
        "not worth it with every layer above the cut"
    )


def test_readers_are_trained_with_dropout_if_it_is_asked_for(
    run_command, make_model: Callable[..., Path], questions: Path, tmp_path: Path
) -> None:
    start = make_model(lower=(), upper=(1, 2, 3, 4))
    for share in (0, 0.3):
        arguments = ["--start", start, "--out", tmp_path / f"{share}", "--dropout", share]
        done = run_command(app, "train", "teacher", questions, *arguments, "--epochs", 0.1)
        assert done.code == 0, done.err
    kept, dropped = (load_checkpoint(tmp_path / f"{share}") for share in (0, 0.3))
    assert dropped.settings.training["reader"]["dropout"] == 0.3
    assert not torch.equal(kept.reader.span.weight, dropped.reader.span.weight)
    cut = ["--lower", "1,2", "--upper", "3,4", "--epochs", 0.1, "--dropout", 0.2]
    done = run_command(
        app, "train", "split", questions, "--teacher", start, "--out", tmp_path / "split", *cut
    )
    assert done.code == 0, done.err
    told = load_checkpoint(tmp_path / "split").settings.training["reader"]
    assert told["dropout"] == 0.2
    losses = told["losses"]
    assert (losses["soft"], losses["states"], losses["passages"]) == (1, 0, 0), "by kd at first"


def test_a_teacher_has_no_cut_and_one_beginning(
    run_command, model_folder: Path, questions: Path, tmp_path: Path
) -> None:
    arguments = ["train", "teacher", questions, "--out", tmp_path / "teacher"]
    cut = run_command(app, *arguments, "--start", model_folder)
    assert cut.code != 0
    assert "it has a cut" in cut.err
    neither = run_command(app, *arguments)
    assert neither.code == 2
    assert "either --base NAME_OR_DIR" in neither.error


def test_what_is_held_back_is_read_in_windows_as_passages_are(
    run_command, make_model: Callable[..., Path], questions: Path, tmp_path: Path, monkeypatch
) -> None:
    windows: list[int | None] = []

    def seeing(reader, tokenizer, paragraphs, options):
        windows.append(options.window)
        return predict(reader, tokenizer, paragraphs, options)

    monkeypatch.setattr("engine.training.run.predict", seeing)
    start, out = make_model(lower=(), upper=(1, 2, 3, 4)), tmp_path / "teacher"
    arguments = ["--start", start, "--out", out, "--epochs", 0.1]
    assert run_command(app, "train", "teacher", questions, *arguments).code == 0
    assert set(windows) == {load_checkpoint(out).settings.passage_limit}


def test_a_student_begins_as_its_teacher_is_stored(
    run_command, make_model: Callable[..., Path], questions: Path, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr("engine.checkpoint.best_dtype", lambda _: torch.bfloat16)
    monkeypatch.setattr("engine.training.run.fit_skim", lambda *_, **__: LastLayer(5))
    teacher, out = make_model(lower=(), upper=(1, 2, 3, 4)), tmp_path / "split"
    shape = ["--lower", "1,2", "--upper", "3,4"]
    arguments = ["--teacher", teacher, "--out", out, *shape, "--epochs", 0.1, "--learning-rate", 0]
    done = run_command(app, "train", "split", questions, *arguments, "--json")
    assert done.code == 0, done.err
    taught, student = (load_checkpoint(one, dtype=torch.float32).reader for one in (teacher, out))
    for theirs, ours in zip(taught.encoder.upper[:2], student.encoder.lower, strict=True):
        before, after = theirs.state_dict(), ours.state_dict()
        assert all(torch.equal(before[name], after[name]) for name in before)
    assert torch.equal(taught.span.weight, student.span.weight)
    assert load_checkpoint(out).settings.skipping == LastLayer(5), "fitted when it's trained"


@pytest.fixture(scope="module")
def teacher(make_model: Callable[..., Path]) -> Path:
    return make_model(lower=(), upper=(1, 2, 3, 4))


def base_encoder(folder: Path, tokenizer: Tokenizer, **changed: object) -> Path:
    """A random BERT of `transformers`, of the shape of `make_model`'s unless `changed`."""
    shape = {"hidden_size": 32, "num_attention_heads": 4, "intermediate_size": 64}
    config = BertConfig(
        **{**shape, **changed}, num_hidden_layers=3, vocab_size=tokenizer.vocabulary_size
    )
    BertModel(config).save_pretrained(folder)
    tokenizer.save(folder)
    return folder


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"hidden_size": 48}, "is 48 wide, the model 32"),
        ({"num_attention_heads": 2}, "their n_heads is 2, the model's 4"),
        ({"intermediate_size": 50}, "their inner_width is 50, the model's 64"),
    ],
)
@pytest.mark.parametrize("stage", ["split", "vectors"])
def test_a_base_of_another_shape_is_refused_before_anything_is_trained(
    run_command, teacher: Path, model_folder: Path, questions: Path, tmp_path: Path,
    stage: str, changed: dict[str, int], told: str,
) -> None:  # fmt: skip
    base = base_encoder(tmp_path / "base", load_checkpoint(teacher).tokenizer, **changed)
    shape = ["--lower", 1, "--upper", 4, "--vector", "2,3"]
    where = {
        "split": ["--teacher", teacher, *shape, "--out", tmp_path / "out"],
        "vectors": ["--model", model_folder, "--layers", "2,3"],
    }
    refused = run_command(app, "train", stage, questions, "--base", base, *where[stage])
    assert refused.code == 3
    assert told in refused.error
    assert not (tmp_path / "out").exists()


def test_a_base_of_another_vocabulary_is_refused(
    run_command, teacher: Path, model_folder: Path, questions: Path, tmp_path: Path
) -> None:
    """Its rows would stand for other pieces than the ones that it's given."""
    base = base_encoder(tmp_path / "base", byte_tokenizer())
    shape = ["--lower", 1, "--upper", 4, "--vector", "2,3", "--out", tmp_path / "out"]
    for stage, where in (
        ("split", ["--teacher", teacher, *shape]),
        ("vectors", ["--model", model_folder, "--layers", "2,3"]),
    ):
        refused = run_command(app, "train", stage, questions, "--base", base, *where)
        assert refused.code == 3
        assert f"{base} has another vocabulary" in refused.error


def test_a_base_that_fits_is_followed(
    run_command, teacher: Path, questions: Path, tmp_path: Path
) -> None:
    base = base_encoder(tmp_path / "base", load_checkpoint(teacher).tokenizer)
    shape = ["--lower", 1, "--upper", 4, "--vector", "2,3", "--epochs", 0.1]
    out = tmp_path / "out"
    arguments = ["--teacher", teacher, "--base", base, "--out", out, *shape]
    done = run_command(app, "train", "split", questions, *arguments)
    assert done.code == 0, done.err
    assert load_checkpoint(out).reader.encoder.config.vector == (2, 3)
    assert done.out.startswith(f"{out}: EM "), "told in words"
    # A student that goes on from it keeps its vector layers: trained on with a base, else as is.
    before = load_checkpoint(out).reader.encoder.vector.state_dict()
    for options, moves in (([], False), (["--base", base], True)):
        again = tmp_path / f"again{moves}"
        arguments = ["--teacher", teacher, "--start", out, "--out", again, *shape, *options]
        assert run_command(app, "train", "split", questions, *arguments).code == 0
        made = load_checkpoint(again).reader.encoder
        assert made.config.vector == (2, 3)
        after = made.vector.state_dict()
        moved = any(not torch.equal(before[name], after[name]) for name in before)
        assert moved is moves
        assert all(torch.allclose(before[n], after[n], atol=1e-2) for n in before)


def test_a_beginning_of_another_vocabulary_or_width_is_refused(
    run_command, teacher: Path, questions: Path, tmp_path: Path
) -> None:
    arguments = ["train", "split", questions, "--teacher", teacher, "--lower", 1, "--upper", 3]
    arguments += ["--losses", "both", "--epochs", 0.1, "--out", tmp_path / "out"]
    tokenizer = load_checkpoint(teacher).tokenizer
    for name, pieces, width in (("pieces", byte_tokenizer(), 32), ("width", tokenizer, 48)):
        base = base_encoder(tmp_path / name, pieces, hidden_size=width)
        start = tmp_path / f"{name}.start"
        assert run_command(app, "convert", base, "--split", 1, "--out", start).code == 0
        refused = run_command(app, *arguments, "--start", start)
        assert refused.code == 3
        told = "has another vocabulary" if name == "pieces" else "a student of width 48"
        assert told in refused.err


def test_questions_that_cannot_be_learnt_from_are_counted(
    run_command, teacher: Path, questions: Path, tmp_path: Path
) -> None:
    content = json.loads(questions.read_text())
    trained_on = [p for p in content["data"][0]["paragraphs"] if not is_tune(p["context"])]
    trained_on[0]["qas"][0]["answers"][0]["text"] = "Eve"
    trained_on[1]["qas"][0]["question"] = " "
    trained_on[2]["qas"][0]["answers"] = []
    questions.write_text(json.dumps(content))
    arguments = ["--start", teacher, "--out", tmp_path / "out", "--epochs", 0.1]
    done = run_command(app, "train", "teacher", questions, *arguments)
    assert f"{2 * len(trained_on) - 2} questions on {len(trained_on)} passages; 2 left" in done.err


def test_a_file_whose_answers_do_not_stand_in_its_paragraphs_is_refused(
    run_command, teacher: Path, questions: Path, tmp_path: Path
) -> None:
    content = json.loads(questions.read_text())
    for paragraph in content["data"][0]["paragraphs"]:
        for qa in paragraph["qas"]:
            qa["answers"][0]["text"] = "Eve Marsh"
    unfit = tmp_path / "unfit.json"
    unfit.write_text(json.dumps(content))
    arguments = ["--start", teacher, "--out", tmp_path / "out"]
    refused = run_command(app, "train", "teacher", questions, unfit, *arguments)
    assert refused.code == 2
    assert re.search(r"unfit\.json: only 0 of \d+ questions have an answer that", refused.error)


def test_a_mixture_is_trained_on_and_kept_with_the_checkpoint(
    run_command, teacher: Path, questions: Path, tmp_path: Path
) -> None:
    packed = tmp_path / "more.json.gz"
    packed.write_bytes(gzip.compress(questions.read_bytes()))
    arguments = ["--out", tmp_path / "out", "--epochs", 0.5, "--batch-size", 4]
    mixed = ["--mix", f"{packed}:0.5", "--last", questions, "--last-share", 0.25]
    paced = ["--average", 0.5, "--freeze", 1]
    done = run_command(
        app, "train", "split", *arguments, "--teacher", teacher, "--lower", "1", "--upper", "2",
        *mixed, *paced,
    )  # fmt: skip
    assert done.code == 0, done.err
    made = load_checkpoint(tmp_path / "out").settings.training["reader"]
    assert made["course"] == {"weights": [0.5, 0.0], "last": [1], "share": 0.25}
    assert made["pace"]["average"] == 0.5
    assert made["freeze"] == 1


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--mix", "nowhere.json:2"], "can't read nowhere.json"),
        (["--mix", "nowhere.json"], "expected a file, a colon and a weight above 0"),
        (["--last", "nowhere.json"], "no file to train on"),
        ([], "no file to train on"),
    ],
)
def test_a_mixture_that_names_no_file_is_refused(
    run_command, teacher: Path, tmp_path: Path, options: list[str], told: str
) -> None:
    out = ["--out", tmp_path / "out"]
    refused = run_command(app, "train", "teacher", "--start", teacher, *out, *options)
    assert refused.code == 2
    assert told in refused.error


@pytest.mark.parametrize("name", ["file", "file/folder"])
def test_an_out_that_cannot_be_written_is_told_before_the_training(
    run_command, teacher: Path, questions: Path, tmp_path: Path, name: str
) -> None:
    (tmp_path / "file").write_text("mine")
    arguments = ["--start", teacher, "--out", tmp_path / name, "--epochs", 0.1]
    refused = run_command(app, "train", "teacher", questions, *arguments)
    assert refused.code == 3
    assert str(tmp_path / name) in refused.error
    assert (tmp_path / "file").read_text() == "mine"


def test_passages_are_cut_to_what_the_base_reads(
    run_command, teacher: Path, questions: Path, tmp_path: Path
) -> None:
    tokenizer = load_checkpoint(teacher).tokenizer
    base = base_encoder(tmp_path / "base", tokenizer, max_position_embeddings=70)
    paragraph = "The lamp of the lighthouse was lit by Anna Bell. " * 40
    answers = [{"text": "Anna Bell", "answer_start": paragraph.index("Anna")}]
    asked = {"id": "1", "question": "Who lit the lamp? " * 40, "answers": answers}
    path = tmp_path / "long.json"
    content = {"title": "", "paragraphs": [{"context": paragraph, "qas": [asked]}]}
    path.write_text(json.dumps({"data": [content]}))
    out = tmp_path / "out"
    arguments = ["--base", base, "--out", out, "--epochs", 0.1]
    done = run_command(app, "train", "teacher", path, questions, *arguments)
    assert done.code == 0, done.err
    assert load_checkpoint(out).settings.passage_limit == 69
    assert "left out" not in done.err
    short = base_encoder(tmp_path / "short", tokenizer, max_position_embeddings=65)
    refused = run_command(app, "train", "teacher", path, "--base", short, "--out", tmp_path / "no")
    assert refused.code == 3
    assert "reads 65 pieces at once; 66 are the fewest" in refused.error


def test_a_training_without_a_question_held_back_says_that_nothing_measures_it(
    run_command, teacher: Path, questions: Path, tmp_path: Path
) -> None:
    content = json.loads(questions.read_text())
    [of_all] = content["data"]
    of_all["paragraphs"] = [p for p in of_all["paragraphs"] if not is_tune(p["context"])]
    questions.write_text(json.dumps(content))
    arguments = ["--start", teacher, "--epochs", 0.1]
    for out, more in (("told", []), ("json", ["--json"])):
        done = run_command(
            app, "train", "teacher", questions, *arguments, "--out", tmp_path / out, *more
        )
        assert done.code == 0, done.err
        assert "F1 " not in done.err + done.out
        if more:
            assert done.json | {"em": None, "f1": None, "questions": 0} == done.json
        else:
            assert "no question was held back" in done.out


def interrupting(*arguments: Any) -> Batch:
    signal.raise_signal(signal.SIGINT)
    return make_batch(*arguments)


@pytest.mark.parametrize(
    "command",
    [
        ["teacher", "--start"],
        ["split", "--teacher"],
        ["vectors", "--base", "anything", "--model"],
        ["label", "--teacher"],
        ["average"],
        ["boolean", "--model"],
        ["choice", "--model"],
    ],
    ids=lambda words: words[0],
)
def test_a_device_that_is_not_there_is_one_line_naming_those_that_are(
    run_command, teacher: Path, questions: Path, tmp_path: Path, command: list[str]
) -> None:
    name, *options = command
    given = [] if name == "average" else [questions]
    out = [] if name == "vectors" else ["--out", tmp_path / "out"]
    refused = run_command(app, "train", name, *given, *options, teacher, *out, "--device", "tpu")
    assert refused.code == 2
    assert "no device 'tpu'; this machine has cpu" in refused.error
    assert not (tmp_path / "out").exists()


def test_questions_are_cut_to_what_the_model_s_settings_say(
    model_folder: Path, questions: Path
) -> None:
    """Trained as it will be asked."""
    asked = Settings(passage_limit=48, question_limit=3)
    material = gather_material([questions], load_checkpoint(model_folder).tokenizer, asked)
    assert {len(example.question) for example in material.examples.examples} == {3}


def test_near_misses_are_trained_on_beside_the_questions_that_they_are_made_of(
    run_command, teacher: Path, questions: Path, tmp_path: Path
) -> None:
    asked = questions.read_text().replace("When was it repaired?", "In 1927, what was repaired?")
    questions.write_text(asked.replace('"1927", "answer_start"', '"bridge", "answer_start"'))
    plain = gather_material([questions], load_checkpoint(teacher).tokenizer, Settings())
    count = len(plain.examples.examples)
    arguments = ["--start", teacher, "--out", tmp_path / "out", "--epochs", 0.1, "--near", 1]
    done = run_command(app, "train", "teacher", questions, *arguments)
    assert done.code == 0, done.err
    assert f"{count * 3 // 2} questions on {count // 2} passages" in done.err
    assert str(plain).startswith(f"{count} questions on {count // 2} passages")


@pytest.mark.usefixtures("heeds_interrupts")
def test_a_training_is_not_begun_anew_over_the_state_of_another(
    run_command, teacher: Path, questions: Path, tmp_path: Path, monkeypatch
) -> None:
    arguments = ["--start", teacher, "--out", tmp_path / "out", "--epochs", 1]
    with monkeypatch.context() as patched:
        patched.setattr("engine.training.span_task.make_batch", interrupting)
        assert run_command(app, "train", "teacher", questions, *arguments).code == 130
    state = tmp_path / "out.training" / "state.safetensors"
    before = state.read_bytes()
    refused = run_command(app, "train", "teacher", questions, *arguments, "--seed", 1)
    assert refused.code == 3
    assert f"{state} is of another run, with another start, settings" in refused.err
    assert state.read_bytes() == before


@pytest.mark.usefixtures("heeds_interrupts")
def test_a_training_that_is_interrupted_goes_on_from_there(
    run_command, make_model: Callable[..., Path], questions: Path, tmp_path: Path, monkeypatch
) -> None:
    start, out = make_model(lower=(), upper=(1, 2, 3, 4)), tmp_path / "teacher"
    arguments = ["--start", start, "--out", out, "--epochs", 2, "--batch-size", 6]
    with monkeypatch.context() as patched:
        patched.setattr("engine.training.span_task.make_batch", interrupting)
        first = run_command(app, "train", "teacher", questions, *arguments)
    assert first.code == 130
    assert "step 1 of" in first.err
    assert first.err.rstrip().endswith(
        "stopped; its state is kept, and the same command goes on from there"
    )
    assert not out.exists()
    done = run_command(app, "train", "teacher", questions, *arguments)
    assert done.code == 0, done.err
    assert "step 1 of" not in done.err
    assert "step 2 of" in done.err


def test_a_pruned_reader_is_saved_and_can_be_trained_on(
    run_command, make_model: Callable[..., Path], questions: Path, tmp_path: Path
) -> None:
    model, out = make_model(), tmp_path / "pruned"
    prune = ["prune", model, questions, "--questions", 3, "--out", out, "--json"]
    done = run_command(app, *prune, "--keep-heads", 1, "--keep-inner", 16)
    assert done.code == 0, done.err
    assert json.loads(done.out) == {"model": str(out), "heads": [1, 1], "inner": [16, 16]}
    shapes = load_checkpoint(out).reader.encoder.config.layer_shapes("upper")
    assert [(shape.n_heads, shape.inner_width) for shape in shapes] == [(1, 16)] * 2
    again = run_command(app, *prune, "--keep-heads", 1)
    assert again.code != 0
    assert "holds a checkpoint already" in again.err
    both = run_command(app, *prune, "--keep-heads", 1, "--target-ms", 1)
    assert "give either --keep-heads and --keep-inner, or --target-ms" in both.err
    none = run_command(app, *prune[:-2], tmp_path / "none", "--target-ms", 0)
    assert re.search(r"0 ms asked for; .* take \d+\.\d ms here, so ask for more", none.err)


def test_each_layer_may_keep_a_number_of_its_own(
    run_command, make_model: Callable[..., Path], questions: Path, tmp_path: Path
) -> None:
    prune = ["prune", make_model(), questions, "--questions", 3, "--json", "--out"]
    done = run_command(app, *prune, tmp_path / "a", "--keep-heads", "1,2", "--keep-inner", "16,24")
    assert done.code == 0, done.err
    assert json.loads(done.out) == {
        "model": str(tmp_path / "a"),
        "heads": [1, 2],
        "inner": [16, 24],
    }
    three = run_command(app, *prune, tmp_path / "b", "--keep-heads", "1,2,2")
    assert "3 numbers of heads for 2 layers; name one, or one for each" in three.err
    text = run_command(app, *prune, tmp_path / "b", "--keep-heads", "few")
    assert "expected heads like 1-6 or 7,10,12, got 'few'" in text.err


def test_a_cascade_is_trained_and_kept(
    run_command, make_model: Callable[..., Path], questions: Path, tmp_path: Path
) -> None:
    teacher = make_model(lower=(), upper=(1, 2, 3, 4))
    train = ["train", "split", questions, "--teacher", teacher, "--lower", "1", "--upper", "2,3,4"]
    train += ["--batch-size", 6, "--out"]
    done = run_command(app, *train, tmp_path / "out", "--cascade", "1:5")
    assert done.code == 0, done.err
    skipping = load_checkpoint(tmp_path / "out").reading.skipping
    assert isinstance(skipping, Cascade)
    assert (skipping.after, skipping.passages) == (1, 5)
    on = [*train, tmp_path / "on", "--start", tmp_path / "out"]
    assert run_command(app, *on).code == 0
    assert load_checkpoint(tmp_path / "on").reading.skipping != skipping
    for options, said in (
        (["--cascade", "2"], "expected layers and passages like 2:5, got '2'"),
        (["--cascade", "1:5", "--blocks", "1"], "give --blocks or --cascade"),
        (["--cascade", "3:5"], "saves nothing: there are 3 layers"),
        (["--kept-only"], "--kept-only learns from what --logits holds; name its folder"),
    ):
        refused = run_command(app, *train, tmp_path / "none", *options)
        assert refused.code != 0
        assert said in refused.err


def test_logits_are_kept_only_for_what_learns_from_them(
    run_command, make_model: Callable[..., Path], questions: Path, tmp_path: Path
) -> None:
    teacher = make_model(lower=(), upper=(1, 2, 3, 4))
    split = ["train", "split", questions, "--teacher", teacher, "--lower", "1-2", "--upper", "3,4"]
    split += ["--epochs", 0.2, "--logits", tmp_path / "logits", "--out", tmp_path / "split"]
    refused = run_command(app, *split, "--losses", "kd+lrs")
    assert "give --losses with kd, and not lrs or cut" in refused.err
    done = run_command(app, *split)
    assert done.code == 0, done.err
    assert (tmp_path / "logits" / "teacher.json").exists()


def test_a_codec_s_tensors_stay_with_a_checkpoint_that_is_changed(
    run_command, make_model: Callable[..., Path], questions: Path, tmp_path: Path
) -> None:
    plain = load_checkpoint(make_model(), dtype=torch.float32)
    torch.manual_seed(0)
    tensors = fit_product(torch.randn(FEWEST, plain.hidden_width), 4)
    model = tmp_path / "coded"
    settings = replace(plain.settings, codec="product")
    save_checkpoint(plain.reader, plain.tokenizer, settings, model, tensors)
    pruned, mean = tmp_path / "pruned", tmp_path / "mean"
    for arguments in (
        ["prune", model, questions, "--questions", 3, "--keep-heads", 1, "--out", pruned],
        ["train", "average", model, model, "--out", mean],
    ):
        done = run_command(app, *arguments)
        assert done.code == 0, done.err
    for folder in (pruned, mean):
        kept = load_checkpoint(folder).codec_tensors
        assert {name: value.tolist() for name, value in kept.items()} == {
            name: value.tolist() for name, value in tensors.items()
        }
