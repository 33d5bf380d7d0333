"""Checkpoints of transformers, converted, are indexed and asked, or refused by name."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tokenizers
import torch
from safetensors.torch import load_file, save_file
from tokenizers import models, normalizers, pre_tokenizers, trainers
from transformers import (
    BertConfig,
    BertForQuestionAnswering,
    BertForSequenceClassification,
    BertTokenizer,
    MPNetConfig,
    MPNetForQuestionAnswering,
    MPNetModel,
    MPNetTokenizer,
    RobertaConfig,
    RobertaForMaskedLM,
    RobertaForQuestionAnswering,
    RobertaTokenizer,
    T5Config,
    XLNetConfig,
    XLNetForQuestionAnswering,
    XLNetForQuestionAnsweringSimple,
    XLNetTokenizer,
)

from engine.answering.passages import load_passages, read_passages, retrieve_passages
from engine.answering.question import prepare_question
from engine.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from engine.checkpoint_conversion import convert
from engine.commands.main import app as engine_app
from engine.encoder.from_transformers import load_transformers, load_transformers_tokenizer
from engine.errors import CheckpointError
from engine.reading.read import ReadingOptions, every_pair, read_in_batches
from engine.search import SearchEngine
from indexer.build import BuildOptions, build_index
from indexer.commands.main import app as indexer_app

TEXTS = [
    "The lighthouse at Stone Point was designed by Dora Reed. Its lamp was first lit in 1872.",
    "The bridge over the river was opened in 1903 by Carl Bell, an engineer from the north.",
    "Le café “Ángström” – déjà vu – ferma en 1927. Cafe\u0301s e\u0323\u0301taient ouverts.",
    "Смотритель зажёг лампу. 灯台守は夕暮れに灯をともした。 كتب الحارس الساعة في دفتر. 👩\u200d🚀",
]
QUESTION = "Who designed the lighthouse?"
ROBERTA_SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
XLNET_SPECIAL = ["<unk>", "<s>", "</s>", "<cls>", "<sep>", "<pad>", "<mask>", "<eod>", "<eop>"]
BERT_SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
SMALL = {
    "hidden_size": 32,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "max_position_embeddings": 130,
}
SMALL_XLNET = {"d_model": 32, "n_head": 4, "d_inner": 48, "n_layer": 3}


def model_of(inner: tokenizers.Tokenizer) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(inner.to_str())["model"]
    return found


def bert_tokenizer() -> Any:
    inner = tokenizers.Tokenizer(models.WordPiece(unk_token="[UNK]"))
    inner.normalizer = normalizers.BertNormalizer(lowercase=True)
    inner.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(
        vocab_size=300, special_tokens=BERT_SPECIAL, show_progress=False
    )
    inner.train_from_iterator(TEXTS, trainer)
    return BertTokenizer(vocab=model_of(inner)["vocab"])


def roberta_tokenizer() -> Any:
    """Byte-level BPE."""
    inner = tokenizers.Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=340,
        special_tokens=ROBERTA_SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    inner.train_from_iterator(TEXTS, trainer)
    found = model_of(inner)
    merges: Any = [tuple(merge) for merge in found["merges"]]
    return RobertaTokenizer(vocab=found["vocab"], merges=merges)


def xlnet_tokenizer() -> Any:
    """Unigram behind XLNet's own normaliser, which takes letters and accents apart."""
    inner = tokenizers.Tokenizer(models.Unigram())
    inner.normalizer = normalizers.Sequence([normalizers.NFKD(), normalizers.StripAccents()])
    inner.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]
    )
    trainer = trainers.UnigramTrainer(
        vocab_size=300, special_tokens=XLNET_SPECIAL, unk_token="<unk>", show_progress=False
    )
    inner.train_from_iterator(TEXTS, trainer)
    vocabulary = [(piece, score) for piece, score in model_of(inner)["vocab"]]
    return XLNetTokenizer(vocab=vocabulary, unk_id=0)


def mpnet_tokenizer() -> Any:
    """BERT's pieces behind RoBERTa's special ones, with BERT's special ones as mere pieces."""
    pieces = [*ROBERTA_SPECIAL[:-1], *bert_tokenizer().get_vocab(), "<mask>"]
    return MPNetTokenizer(vocab={piece: number for number, piece in enumerate(pieces)})


TOKENIZERS = {
    "bert": bert_tokenizer,
    "roberta": roberta_tokenizer,
    "mpnet": mpnet_tokenizer,
    "xlnet": xlnet_tokenizer,
}
ANSWERING = {
    "bert": (BertForQuestionAnswering, BertConfig, SMALL),
    "roberta": (RobertaForQuestionAnswering, RobertaConfig, {**SMALL, "type_vocab_size": 1}),
    "mpnet": (MPNetForQuestionAnswering, MPNetConfig, SMALL),
    "xlnet": (XLNetForQuestionAnsweringSimple, XLNetConfig, SMALL_XLNET),
}


def save(folder: Path, model: Any, tokenizer: Any) -> Path:
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def random_model(kind: Any, settings: Any, shape: dict[str, Any], pieces: int) -> Any:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = kind(settings(vocab_size=pieces, **shape))
        for name, parameter in model.named_parameters():
            is_norm = name.lower().endswith("norm.weight")
            torch.nn.init.normal_(parameter, mean=float(is_norm), std=0.3)
    return model.eval()


@pytest.fixture(scope="module", params=list(TOKENIZERS))
def family(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def model(family: str) -> Any:
    return random_model(*ANSWERING[family], len(TOKENIZERS[family]()))


@pytest.fixture(scope="module")
def answering(tmp_path_factory: pytest.TempPathFactory, family: str, model: Any) -> Path:
    """The folder of a checkpoint that has a span head, as transformers saves it."""
    return save(tmp_path_factory.mktemp("theirs") / family, model, TOKENIZERS[family]())


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory, answering: Path) -> Checkpoint:
    """Cut at 1 of 3 layers, saved, and loaded in fp32."""
    folder = tmp_path_factory.mktemp("ours") / "model"
    made = convert(answering, split=1)
    save_checkpoint(made.reader, made.tokenizer, made.settings, folder)
    return load_checkpoint(folder, dtype=torch.float32)


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("documents")
    for number, text in enumerate(TEXTS):
        (folder / f"{number}.txt").write_text(text, encoding="utf-8")
    return folder


def test_a_converted_checkpoint_is_indexed_and_asked_like_any(
    tmp_path: Path,
    answering: Path,
    collection: Path,
    family: str,
    run_command: Callable[..., Any],
) -> None:
    out, index = tmp_path / "model", tmp_path / "some.idx"
    made = run_command(engine_app, "convert", answering, "--split", 1, "--out", out, "--json")
    assert made.code == 0, made.err
    assert made.json == {
        "model": str(out), "family": family, "lower": 1, "upper": 2, "span_head": True
    }  # fmt: skip
    built = run_command(indexer_app, "build", collection, "--index", index, "--model", out)
    assert built.code == 0, built.err
    asked = run_command(
        engine_app, "ask", QUESTION, "--index", index, "--model", out, "--top-k", 50, "--json"
    )
    assert asked.code == 0, asked.err
    answers = asked.json["answers"]
    assert len({answer["source"] for answer in answers}) > 1
    for answer in answers:
        text = (collection / Path(answer["source"]).name).read_text(encoding="utf-8")
        assert text[answer["start"] : answer["end"]] == answer["text"]
        assert answer["text"].strip() == answer["text"] != ""


def test_cached_states_give_the_logits_of_fresh_ones(
    tmp_path: Path, collection: Path, converted: Checkpoint
) -> None:
    index = tmp_path / "some.idx"
    build_index([collection], index, converted, BuildOptions())
    with SearchEngine.open(index, model=converted.folder) as opened:
        engine = SearchEngine(opened.backend, converted)
        asked = prepare_question(QUESTION, converted)
        encoded = converted.encode_questions([asked.pieces])
        with engine.backend.snapshot() as snapshot:
            found = retrieve_passages(QUESTION, converted.vectors(encoded), 9, snapshot).fused
            loaded = load_passages(found, snapshot, converted)
        assert len(loaded.fetched) == len(TEXTS)  # each fits one passage
        cached = read_passages(QUESTION, encoded, loaded, converted, engine.calibration()).output
        fresh = converted.encode_passages([item.passage.pieces for item in loaded.fetched])
        anew = converted.read(encoded, fresh, every_pair(1, len(TEXTS)))
        engine.close()
    off = (loaded.states.hidden - fresh.hidden).abs()
    assert (off <= 2**-11 * fresh.hidden.abs() + 1e-5).all()
    for part in ("start", "end", "null"):
        torch.testing.assert_close(getattr(cached, part), getattr(anew, part), rtol=1e-3, atol=1e-2)


def test_a_checkpoint_without_vector_layers_gives_the_mean_of_its_states_as_vector(
    converted: Checkpoint,
) -> None:
    pieces = [converted.tokenizer.encode(text).ids for text in TEXTS]
    encoded = converted.encode_passages(pieces)
    vectors = converted.vectors(encoded)
    assert vectors.shape == (len(TEXTS), 32)
    for states, vector in zip(encoded.one_by_one(), vectors, strict=True):
        mean = torch.nn.functional.normalize(states.mean(0), dim=0)
        torch.testing.assert_close(torch.from_numpy(vector), mean, atol=1e-5, rtol=1e-5)


def test_the_undecomposed_conversion_gives_the_span_logits_of_the_model_it_was(
    answering: Path, model: Any, family: str
) -> None:
    """Framed as ours: cls, question, sep, passage, sep; positions restarted where there are any."""
    made = convert(answering, split=0)
    cls, sep = made.tokenizer.cls, made.tokenizer.sep
    question, passage = (made.tokenizer.encode(t).ids.tolist() for t in (QUESTION, TEXTS[0]))
    first, second = [cls, *question, sep], [*passage, sep]
    types = [0] * len(first) + [0 if family == "roberta" else 1] * len(second)
    call = {"input_ids": [first + second]}
    if family != "mpnet":
        call["token_type_ids"] = [types]
    if family != "xlnet":
        begin = 0 if family == "bert" else 2
        call["position_ids"] = [[begin + i for part in (first, second) for i in range(len(part))]]
    pieces = [np.array(ids, np.int32) for ids in (question, passage)]
    options = ReadingOptions(dtype=torch.float32)
    [ours] = read_in_batches(made.reader, made.tokenizer, pieces[:1], pieces[1:], options)
    with torch.inference_mode():
        theirs = model(**{name: torch.tensor(value) for name, value in call.items()})
    inside = slice(len(first), len(first) + len(passage))
    for mine, expected in ((ours.start, theirs.start_logits), (ours.end, theirs.end_logits)):
        torch.testing.assert_close(mine[inside], expected[0, inside], atol=1e-5, rtol=1e-5)
    # Twice the null logit is what the usual post-processing of SQuAD 2.0 takes it for.
    null = theirs.start_logits[0, :1] + theirs.end_logits[0, :1]
    torch.testing.assert_close(2 * ours.null, null, atol=1e-5, rtol=1e-5)
    assert made.settings.answers


def test_special_pieces_are_the_family_s_own(converted: Checkpoint, family: str) -> None:
    tokenizer = TOKENIZERS[family]()
    assert converted.tokenizer.cls == tokenizer.cls_token_id
    assert converted.tokenizer.sep == tokenizer.sep_token_id


@pytest.mark.parametrize("text", TEXTS)
def test_pieces_cover_every_letter_of_a_text_once_in_order(
    converted: Checkpoint, text: str
) -> None:
    offsets = converted.tokenizer.encode(text).offsets
    covered = {i for start, end in offsets for i in range(start, end)}
    assert {i for i, c in enumerate(text) if c.isalnum()} <= covered
    assert (offsets[1:, 0] >= offsets[:-1, 0]).all()
    assert (offsets[:, 0] < offsets[:, 1]).all()
    assert not any(text[start].isspace() or text[end - 1].isspace() for start, end in offsets)


def test_passages_are_no_longer_than_the_model_reads(converted: Checkpoint, family: str) -> None:
    longest = {"bert": 130, "roberta": 128, "mpnet": 128, "xlnet": 512}[family]
    assert converted.settings.passage_limit == min(160, longest - 1)
    assert converted.settings.question_limit == 64


def test_converting_twice_gives_one_fingerprint(tmp_path: Path) -> None:
    """New heads are drawn alike, so that an index stays good for a checkpoint made again."""
    tokenizer = roberta_tokenizer()
    model = random_model(RobertaForMaskedLM, *ANSWERING["roberta"][1:], len(tokenizer))
    save(tmp_path / "theirs", model, tokenizer)
    for name in ("a", "b"):
        made = convert(tmp_path / "theirs", split=2)
        assert not made.settings.answers
        save_checkpoint(made.reader, made.tokenizer, made.settings, tmp_path / name)
    first, second = (load_checkpoint(tmp_path / name).fingerprint for name in ("a", "b"))
    assert first == second


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (RobertaForMaskedLM, "roberta"),
        (BertForSequenceClassification, "bert"),
        (MPNetModel, "mpnet"),
        (XLNetForQuestionAnswering, "xlnet"),  # beams over starts: not a pair of logits a token
    ],
)
def test_a_checkpoint_of_another_task_is_converted_and_says_that_it_has_no_span_head(
    tmp_path: Path, kind: Any, name: str, run_command: Callable[..., Any]
) -> None:
    tokenizer = TOKENIZERS[name]()
    _, settings, shape = ANSWERING[name]
    save(
        tmp_path / "theirs",
        random_model(kind, settings, {**shape, "num_labels": 3}, len(tokenizer)),
        tokenizer,
    )
    out = tmp_path / "ours"
    said = run_command(engine_app, "convert", tmp_path / "theirs", "--split", 2, "--out", out)
    assert said.code == 0, said.err
    assert "no span head yet" in said.out
    assert said.err == ""
    assert load_checkpoint(out).reader.encoder.config.lower == (1, 2)


def test_asking_a_span_head_that_was_never_trained_says_so(
    tmp_path: Path, collection: Path, run_command: Callable[..., Any]
) -> None:
    tokenizer = TOKENIZERS["bert"]()
    _, settings, shape = ANSWERING["bert"]
    theirs, out, index = (tmp_path / name for name in ("theirs", "ours", "some.idx"))
    save(
        theirs, random_model(BertForSequenceClassification, settings, shape, len(tokenizer)),
        tokenizer,
    )  # fmt: skip
    assert run_command(engine_app, "convert", theirs, "--split", 2, "--out", out).code == 0
    build_index([collection], index, load_checkpoint(out), BuildOptions())
    asked = run_command(engine_app, "ask", QUESTION, "--index", index, "--model", out)
    assert asked.code == 0, asked.err
    assert "never trained to answer" in asked.err
    assert "engine train split" in asked.err


def refusal(run_command: Callable[..., Any], folder: Path, *, split: int = 1) -> str:
    out = folder.with_name("refused")
    said = run_command(engine_app, "convert", folder, "--split", split, "--out", out)
    assert said.code == CheckpointError.exit_code
    assert not out.exists()
    line: str = said.error
    return line


@pytest.fixture
def theirs(tmp_path: Path, answering: Path) -> Path:
    """A copy of the checkpoint, to be damaged."""
    folder = tmp_path / "theirs"
    shutil.copytree(answering, folder)
    return folder


def change_weights(folder: Path, change: Callable[[dict[str, torch.Tensor]], Any]) -> None:
    path = folder / "model.safetensors"
    weights = load_file(path)
    change(weights)
    save_file(weights, path, metadata={"format": "pt"})


def change_config(folder: Path, **changes: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_missing_weights_are_refused_by_name(theirs: Path, run_command: Callable[..., Any]) -> None:
    name = next(n for n in load_file(theirs / "model.safetensors") if ".layer.2." in n)
    change_weights(theirs, lambda weights: weights.pop(name))
    assert f"lacks the weights {name}" in refusal(run_command, theirs)


def test_half_a_span_head_is_refused_by_name(theirs: Path, run_command: Callable[..., Any]) -> None:
    change_weights(theirs, lambda weights: weights.pop("qa_outputs.bias"))
    assert "lacks the weights qa_outputs.bias" in refusal(run_command, theirs)


def test_weights_of_another_shape_are_refused_by_name_with_both_shapes(
    theirs: Path, family: str, run_command: Callable[..., Any]
) -> None:
    change_config(theirs, **{"d_inner" if family == "xlnet" else "intermediate_size": 50})
    line = refusal(run_command, theirs)
    assert "of another shape than its config.json" in line
    assert ".layer.0." in line
    assert "[48], not [50]" in line


def test_a_cut_that_leaves_nothing_above_or_lies_beyond_is_refused(
    answering: Path, run_command: Callable[..., Any]
) -> None:
    line = refusal(run_command, answering, split=3)
    assert "a cut at 3 leaves no layer above it; the model has 3 layers" in line
    line = refusal(run_command, answering, split=9)
    assert "a cut at 9 leaves no layer above it; the model has 3 layers" in line


def test_a_model_without_layers_is_refused(
    theirs: Path, family: str, run_command: Callable[..., Any]
) -> None:
    change_config(theirs, **{"n_layer" if family == "xlnet" else "num_hidden_layers": 0})
    assert "leaves no layer above it; the model has 0 layers" in refusal(
        run_command, theirs, split=0
    )


def test_an_unknown_family_is_refused_with_those_there_are(
    tmp_path: Path, run_command: Callable[..., Any]
) -> None:
    T5Config().save_pretrained(tmp_path / "theirs")
    line = refusal(run_command, tmp_path / "theirs")
    assert "family 't5' can't be split, only bert, roberta, xlm-roberta, mpnet, xlnet" in line


@pytest.mark.parametrize(
    "config",
    ["", "{", "[]", "{}", '{"model_type": "magic"}', '{"model_type": "bert", "hidden_size": "a"}']
    + [f'{{"model_type": "bert", "hidden_size": {size}}}' for size in (-4, 0, 33)],
)
def test_a_folder_whose_config_says_nothing_sensible_is_refused(
    tmp_path: Path, config: str, run_command: Callable[..., Any]
) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "config.json").write_text(config)
    assert str(tmp_path / "theirs") in refusal(run_command, tmp_path / "theirs")


def test_a_path_that_is_not_there_and_a_checkpoint_of_ours_are_refused(
    tmp_path: Path, converted: Checkpoint, run_command: Callable[..., Any]
) -> None:
    assert "there's no such folder; name one" in refusal(run_command, tmp_path / "nowhere")
    out = tmp_path / "ours"
    said = run_command(engine_app, "convert", converted.folder, "--split", 1, "--out", out)
    assert f"no model at {converted.folder}" in said.error


def test_a_folder_that_cannot_be_written_is_refused_in_one_line(
    tmp_path: Path, answering: Path, run_command: Callable[..., Any]
) -> None:
    (tmp_path / "file").write_text("not a folder")
    out = tmp_path / "file" / "ours"
    said = run_command(engine_app, "convert", answering, "--split", 1, "--out", out)
    assert "can't be written" in said.error


def test_missing_damaged_and_pickled_weights_are_refused(
    theirs: Path, run_command: Callable[..., Any]
) -> None:
    path = theirs / "model.safetensors"
    path.write_bytes(b"\0" * 20)
    assert "no weights at" in refusal(run_command, theirs)
    path.unlink()
    assert "no weights at" in refusal(run_command, theirs)
    torch.save({}, theirs / "pytorch_model.bin")
    assert "no weights at" in refusal(run_command, theirs)


def test_a_tokenizer_of_more_pieces_than_the_model_is_refused(
    tmp_path: Path, family: str, run_command: Callable[..., Any]
) -> None:
    tokenizer = TOKENIZERS[family]()
    model = random_model(*ANSWERING[family], len(tokenizer) - 1)
    folder = save(tmp_path / "theirs", model, tokenizer)
    assert f"has {len(tokenizer)} pieces, its model" in refusal(run_command, folder)


def test_a_checkpoint_without_a_tokenizer_is_refused(
    theirs: Path, run_command: Callable[..., Any]
) -> None:
    for path in theirs.glob("*token*"):
        path.unlink()
    assert "no tokenizer at" in refusal(run_command, theirs)


def test_a_vocabulary_in_the_files_of_old_gives_the_same_pieces(tmp_path: Path) -> None:
    tokenizer = roberta_tokenizer()
    save(tmp_path, random_model(*ANSWERING["roberta"], len(tokenizer)), tokenizer)
    expected = load_transformers_tokenizer(tmp_path).encode(TEXTS[0]).ids.tolist()
    found = model_of(tokenizer.backend_tokenizer)
    (tmp_path / "tokenizer.json").unlink()
    (tmp_path / "tokenizer_config.json").unlink()
    (tmp_path / "vocab.json").write_text(json.dumps(found["vocab"]))
    merges = ["#version: 0.2", *(" ".join(merge) for merge in found["merges"])]
    (tmp_path / "merges.txt").write_text("\n".join(merges) + "\n", encoding="utf-8")
    assert load_transformers_tokenizer(tmp_path).encode(TEXTS[0]).ids.tolist() == expected


def test_a_folder_that_is_there_is_not_written_over(
    answering: Path, run_command: Callable[..., Any]
) -> None:
    before = (answering / "config.json").read_bytes()
    said = run_command(engine_app, "convert", answering, "--split", 1, "--out", answering)
    assert "is there already" in said.error
    assert (answering / "config.json").read_bytes() == before


def test_training_starts_from_any_family(answering: Path, family: str) -> None:
    """What `engine train` loads: every layer above the cut, in fp32, with its tokenizer."""
    encoder = load_transformers(answering)
    assert encoder.config.family == family
    assert encoder.config.upper == (1, 2, 3)
    assert {p.dtype for p in encoder.parameters()} == {torch.float32}
    assert load_transformers_tokenizer(answering).vocabulary_size <= encoder.config.vocabulary


def test_a_checkpoint_gets_another_codec_by_command(
    run_command, checkpoint_folder: Path, tmp_path: Path
) -> None:
    convert = ["convert", checkpoint_folder, "--out", tmp_path / "small", "--json"]
    done = run_command(engine_app, *convert, "--codec", "int8")
    assert done.json == {"model": str(tmp_path / "small"), "codec": "int8", "bytes_per_token": 36}
    assert load_checkpoint(tmp_path / "small").settings.codec == "int8"
    convert[3] = tmp_path / "other"
    little = run_command(engine_app, *convert, "--codec", "product", "--bytes", 8)
    assert "the text has 0 wordpieces, fitting a codec takes 9984" in little.error
    both = run_command(engine_app, *convert, "--codec", "int8", "--split", 1)
    assert (
        "give one of --split LAYERS, --vocabulary NAME_OR_DIR, --codec NAME and --weights"
        in both.error
    )


def test_a_checkpoint_s_weights_are_halved_and_come_back_by_command(
    run_command, checkpoint_folder: Path, tmp_path: Path
) -> None:
    convert = ["convert", checkpoint_folder, "--json", "--weights"]
    small = run_command(engine_app, *convert, "int8", "--out", tmp_path / "small")
    size = sum(file.stat().st_size for file in (tmp_path / "small").iterdir())
    assert small.json == {"model": str(tmp_path / "small"), "weights": "int8", "bytes": size}
    convert[1] = tmp_path / "small"
    assert run_command(engine_app, *convert, "float16", "--out", tmp_path / "large").code == 0
    kept, again = (
        load_checkpoint(tmp_path / name, dtype=torch.float32) for name in ("small", "large")
    )
    theirs = again.reader.state_dict()
    for name, value in kept.reader.state_dict().items():
        torch.testing.assert_close(theirs[name], value.half().float(), msg=name)
    other = run_command(engine_app, *convert, "int4", "--out", tmp_path / "none")
    assert "weights are kept in int8 or float16, not 'int4'" in other.error
