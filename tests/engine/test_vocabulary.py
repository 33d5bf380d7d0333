"""A checkpoint of few pieces gets its base's whole vocabulary, or is refused by name."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import tokenizers
import torch
from safetensors.torch import load_file, save_file
from tiny_models import tiny_reader
from tiny_tokenizers import unigram
from tokenizers import models
from transformers import BertConfig, BertModel

from engine.checkpoint import Checkpoint, Settings, load_checkpoint, save_checkpoint
from engine.checkpoint_conversion import MOST_APART, exchange_vocabulary
from engine.commands.main import app as engine_app
from engine.errors import CheckpointError
from engine.reading.skipping import LastLayer
from engine.search import SearchEngine
from engine.text.tokenization import Tokenizer
from indexer.commands.main import app as indexer_app

SPECIAL = ["<s>", "<pad>", "</s>", "<unk>"]
LATIN = ["▁", *"abcdefghijklmnopqrstuvwxyz.?", "▁the", "lamp"]
RUSSIAN = [*"абвгдежзийклмнопрстуфхцчшщъыьэюя", "лампу"]
ALL = [*SPECIAL, *RUSSIAN, *LATIN, *"灯台守点了。"]
FEW = [*SPECIAL, *reversed(LATIN)]  # in another order
UNUSED = 5  # rows of the base's table that no piece has
WIDTH = 32
EMBEDDING = "embeddings.word_embeddings.weight"


def tokenizer_of(pieces: Sequence[str]) -> tokenizers.Tokenizer:
    scored = [(piece, 0.0 if piece in SPECIAL else -1.0) for piece in pieces]
    return unigram(models.Unigram(scored, unk_id=SPECIAL.index("<unk>")))


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A model of transformers that knows all pieces."""
    folder = tmp_path / "base"
    config = BertConfig(
        vocab_size=len(ALL) + UNUSED,
        hidden_size=WIDTH,
        num_attention_heads=4,
        intermediate_size=48,
        num_hidden_layers=2,
        max_position_embeddings=64,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = BertModel(config)
        torch.nn.init.normal_(model.embeddings.word_embeddings.weight, std=0.3)
    model.save_pretrained(folder)
    tokenizer_of(ALL).save(str(folder / "tokenizer.json"))
    return folder


@pytest.fixture
def trained(tmp_path: Path, base: Path) -> Checkpoint:
    """One of ours that knows few pieces, whose rows are the base's, rounded to 16 bits."""
    reader = tiny_reader(
        len(FEW), lower=(1,), upper=(2,), width=WIDTH, inner=48, positions=64, seed=1
    )
    rows = load_file(base / "model.safetensors")[EMBEDDING][[ALL.index(piece) for piece in FEW]]
    with torch.no_grad():
        reader.encoder.embeddings.pieces.weight.copy_(rows.bfloat16())
    settings = Settings(
        question_limit=62,
        passage_limit=40,
        skipping=LastLayer(3),
        training={"epochs": 2},
        quality={"f1": 70.0},
    )
    save_checkpoint(reader, Tokenizer(tokenizer_of(FEW)), settings, tmp_path / "trained")
    return load_checkpoint(tmp_path / "trained", dtype=torch.float32)


@pytest.fixture
def whole(tmp_path: Path, base: Path, trained: Checkpoint) -> Checkpoint:
    made = exchange_vocabulary(trained, base)
    save_checkpoint(made.reader, made.tokenizer, made.settings, tmp_path / "whole")
    return load_checkpoint(tmp_path / "whole", dtype=torch.float32)


def change_rows(base: Path, change: Callable[[torch.Tensor], None]) -> None:
    weights = load_file(base / "model.safetensors")
    change(weights[EMBEDDING])
    save_file(weights, base / "model.safetensors", metadata={"format": "pt"})


def test_text_of_the_pieces_it_knew_gives_the_same_states(
    trained: Checkpoint, whole: Checkpoint
) -> None:
    for text in ("the lamp was lit.", "who lit the lamp?"):
        before, after = trained.tokenizer.encode(text), whole.tokenizer.encode(text)
        assert before.offsets.tolist() == after.offsets.tolist()
        assert before.ids.tolist() != after.ids.tolist()
        for encode in (Checkpoint.encode_passages, Checkpoint.encode_questions):
            states = [encode(c, [p.ids]).hidden for c, p in ((trained, before), (whole, after))]
            assert torch.equal(*states)


def test_text_of_other_pieces_is_read_by_the_base_s_rows(
    base: Path, trained: Checkpoint, whole: Checkpoint
) -> None:
    text = "смотритель лампу"
    assert trained.tokenizer.pieces()["<unk>"] in trained.tokenizer.encode(text).ids
    pieces = whole.tokenizer.encode(text)
    assert whole.tokenizer.pieces()["<unk>"] not in pieces.ids
    assert "лампу" in [text[start:end] for start, end in pieces.offsets]
    table = whole.reader.encoder.embeddings.pieces.weight
    rows = load_file(base / "model.safetensors")[EMBEDDING]
    assert len(table) == len(ALL)
    own = [ALL.index(piece) for piece in RUSSIAN]
    assert torch.equal(table[own], rows[own].half().float())


def test_all_but_the_vocabulary_is_as_it_was(trained: Checkpoint, whole: Checkpoint) -> None:
    before, after = trained.reader.state_dict(), whole.reader.state_dict()
    assert before.keys() == after.keys()
    for name in before.keys() - {"encoder.embeddings.pieces.weight"}:
        assert torch.equal(before[name], after[name]), name
    assert whole.settings.skipping == LastLayer(3)
    assert whole.settings.quality == {"f1": 70.0}
    origin = {"from": "base", "pieces": len(ALL), "of them before": len(FEW)}
    assert whole.settings.training == {"epochs": 2, "vocabulary": origin}
    assert whole.fingerprint != trained.fingerprint


def test_the_command_makes_a_checkpoint_that_indexes_and_answers(
    tmp_path: Path, base: Path, trained: Checkpoint, run_command: Callable[..., Any]
) -> None:
    out = tmp_path / "out"
    said = run_command(
        engine_app, "convert", trained.folder, "--vocabulary", base, "--out", out, "--json"
    )
    assert said.json["pieces"] == len(ALL)
    assert said.json["shared"] == len(FEW)
    assert 0 < said.json["apart"] < 0.005
    file = tmp_path / "маяк.txt"
    file.write_text("Смотритель зажёг лампу. 灯台守点了灯。 the lamp was lit.", encoding="utf-8")
    run_command(indexer_app, "build", file, "--index", tmp_path / "i", "--model", out)
    with SearchEngine.open(tmp_path / "i", model=out) as engine:
        result = engine.ask("кто зажёг лампу?", min_confidence=0.0)
        assert result.answers
        for answer in result.answers:
            text = engine.document(answer.passage.document).text
            assert text[answer.start : answer.end] == answer.text


def test_the_shipped_model_is_taken_where_none_is_named(
    tmp_path: Path, base: Path, run_command: Callable[..., Any]
) -> None:
    said = run_command(engine_app, "convert", "--vocabulary", base, "--out", tmp_path / "out")
    assert f"is {WIDTH} wide, the checkpoint 384" in said.error


def refusal(run_command: Callable[..., Any], trained: Checkpoint, base: Path) -> str:
    out = base.with_name("refused")
    said = run_command(engine_app, "convert", trained.folder, "--vocabulary", base, "--out", out)
    assert said.code == CheckpointError.exit_code
    assert not out.exists()
    line: str = said.error
    return line


def test_a_piece_that_lies_elsewhere_is_refused_by_name(
    base: Path, trained: Checkpoint, run_command: Callable[..., Any]
) -> None:
    def move(rows: torch.Tensor) -> None:
        rows[ALL.index("lamp")] *= 1 + 2 * MOST_APART

    change_rows(base, move)
    line = refusal(run_command, trained, base)
    assert "another embedding of 'lamp' than ours, 0.40 of its length away" in line


def test_rows_of_other_pieces_may_be_anything_and_own_rows_are_kept(
    base: Path, trained: Checkpoint
) -> None:
    def blur(rows: torch.Tensor) -> None:
        rows[ALL.index("я")] *= 9
        rows[ALL.index("lamp")] *= 1 + MOST_APART / 2  # as by another rounding

    change_rows(base, blur)
    made = exchange_vocabulary(trained, base)
    assert made.apart == pytest.approx(MOST_APART / 2, abs=0.01)
    table = made.reader.encoder.embeddings.pieces.weight
    own = trained.reader.encoder.embeddings.pieces.weight[FEW.index("lamp")]
    assert torch.equal(table[ALL.index("lamp")], own)


def test_a_base_that_lacks_a_piece_is_refused_by_name(
    base: Path, trained: Checkpoint, run_command: Callable[..., Any]
) -> None:
    renamed = ["camp" if piece == "lamp" else piece for piece in ALL]
    tokenizer_of(renamed).save(str(base / "tokenizer.json"))
    line = refusal(run_command, trained, base)
    assert f"lacks 1 of the checkpoint's {len(FEW)} pieces, such as 'lamp'" in line


def test_a_tokenizer_of_more_pieces_than_the_base_is_refused(
    base: Path, trained: Checkpoint, run_command: Callable[..., Any]
) -> None:
    tokenizer_of([*ALL, *"0123456789"]).save(str(base / "tokenizer.json"))
    line = refusal(run_command, trained, base)
    assert f"has {len(ALL) + 10} pieces, its model {len(ALL) + UNUSED}" in line


def test_a_base_that_is_not_there_is_refused(
    tmp_path: Path, trained: Checkpoint, run_command: Callable[..., Any]
) -> None:
    assert "no model at" in refusal(run_command, trained, tmp_path / "nowhere")


@pytest.mark.parametrize("options", [[], ["--split", 1, "--vocabulary", "base"]])
def test_one_of_cut_and_exchange_is_asked_for(
    tmp_path: Path, run_command: Callable[..., Any], options: list[Any]
) -> None:
    said = run_command(engine_app, "convert", "model", *options, "--out", tmp_path / "out")
    assert "give one of --split LAYERS, --vocabulary" in said.error


def test_a_cut_needs_a_model(tmp_path: Path, run_command: Callable[..., Any]) -> None:
    said = run_command(engine_app, "convert", "--split", 1, "--out", tmp_path / "out")
    assert "name the checkpoint to be cut" in said.error
