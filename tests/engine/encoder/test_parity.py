"""The split encoder computes what `transformers` computes, given the same positions and types.

XLNet is held against its own undecomposed sequence: it has no positions to be restarted.
"""

import math
import re
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import (
    BertConfig,
    BertModel,
    MPNetConfig,
    MPNetModel,
    RobertaConfig,
    RobertaModel,
    XLMRobertaConfig,
    XLMRobertaModel,
    XLNetConfig,
    XLNetModel,
)

from engine.encoder.config import EncoderConfig
from engine.encoder.distance_bias import DistanceBias
from engine.encoder.from_transformers import (
    encoder_config,
    from_state_dict,
)
from engine.encoder.packing import Packing
from engine.encoder.relative_attention import RelativeAttention
from engine.encoder.selection import reselect, with_vector_layers
from engine.encoder.split import SplitEncoder
from engine.encoder.states import PASSAGE_TYPE, QUESTION_TYPE, States, Texts, join_states
from engine.errors import CheckpointError

BERT_SHAPES: list[dict[str, Any]] = [
    {"hidden_size": 32, "num_attention_heads": 4, "intermediate_size": 64, "num_hidden_layers": 4},
    {"hidden_size": 48, "num_attention_heads": 3, "intermediate_size": 40, "num_hidden_layers": 3},
    {
        "hidden_size": 16,
        "num_attention_heads": 1,
        "intermediate_size": 96,
        "num_hidden_layers": 2,
        "hidden_act": "gelu_new",
    },
]
XLNET_SHAPES: list[dict[str, Any]] = [
    {"d_model": 32, "n_head": 4, "d_inner": 64, "n_layer": 4},
    {"d_model": 48, "n_head": 3, "d_inner": 40, "n_layer": 3},
    {"d_model": 16, "n_head": 1, "d_inner": 96, "n_layer": 2, "ff_activation": "gelu_new"},
]
CASES = [
    *(("bert", shape) for shape in BERT_SHAPES),
    *(("roberta", {**shape, "type_vocab_size": 1}) for shape in BERT_SHAPES),
    ("roberta", {**BERT_SHAPES[0], "type_vocab_size": 1, "pad_token_id": 4}),
    ("roberta", {**BERT_SHAPES[0], "type_vocab_size": 2}),
    ("xlm-roberta", {**BERT_SHAPES[1], "type_vocab_size": 1}),
    *(("mpnet", shape) for shape in BERT_SHAPES),
    ("mpnet", {**BERT_SHAPES[0], "pad_token_id": 4}),
    *(("xlnet", shape) for shape in XLNET_SHAPES),
]
EACH_CASE = pytest.mark.parametrize(
    ("family", "shape"), CASES, ids=[f"{family}-{n}" for n, (family, _) in enumerate(CASES)]
)
ONE_OF_EACH = pytest.mark.parametrize(
    ("family", "shape"),
    [CASES[0], CASES[3], CASES[-7], CASES[-3]],
    ids=["bert", "roberta", "mpnet", "xlnet"],
)
QUESTIONS = [[1, 7, 9, 2], [1, 30, 2], [1, 11, 12, 13, 14, 2]]
PASSAGES = [[40, 41, 42, 43, 44, 2], [50, 51, 2], [60, 61, 62, 63, 64, 65, 66, 67, 2]]


def reference_model(family: str, shape: dict[str, Any]) -> Any:
    torch.manual_seed(0)
    model: Any
    if family == "xlnet":
        model = XLNetModel(XLNetConfig(vocab_size=80, **shape))
    else:
        kind, settings = {
            "bert": (BertModel, BertConfig),
            "roberta": (RobertaModel, RobertaConfig),
            "xlm-roberta": (XLMRobertaModel, XLMRobertaConfig),
            "mpnet": (MPNetModel, MPNetConfig),
        }[family]
        config = settings(**{"vocab_size": 80, "max_position_embeddings": 40, **shape})
        model = kind(config, add_pooling_layer=False)
    for name, parameter in model.named_parameters():  # defaults leave norms and biases unseen
        is_norm = name.lower().endswith("norm.weight")
        torch.nn.init.normal_(parameter, mean=float(is_norm), std=0.3)
    return model.eval()


def n_layers(model: Any) -> int:
    return int(model.config.num_hidden_layers)


def call_positions(model: Any, question: int, passage: int) -> list[int]:
    """Restarted position ids, which RoBERTa's kind counts from behind the padding's id."""
    fixed = {"bert": 0, "mpnet": 2}
    first = fixed.get(model.config.model_type, model.config.pad_token_id + 1)
    return [first + i for n in (question, passage) for i in range(n)]


def call_types(model: Any, question: int, passage: int) -> list[int]:
    """Segments: a family of one type gives both texts that."""
    second = min(1, getattr(model.config, "type_vocab_size", 2) - 1)
    return [0] * question + [second] * passage


def packed(sequences: Sequence[Sequence[int]], type_id: int) -> Texts:
    ids = torch.tensor([piece for sequence in sequences for piece in sequence])
    return Texts(ids, Packing([len(s) for s in sequences]), type_id)


def split(model: Any, k: int) -> SplitEncoder:
    config = encoder_config(
        model.config.to_dict(), lower=range(1, k + 1), upper=range(k + 1, n_layers(model) + 1)
    )
    return from_state_dict(model.state_dict(), config).eval()


def run_split(
    encoder: SplitEncoder, questions: Sequence[list[int]], passages: Sequence[list[int]]
) -> tuple[Tensor, Packing]:
    q = encoder.encode_alone(packed(questions, QUESTION_TYPE))
    p = encoder.encode_alone(packed(passages, PASSAGE_TYPE))
    joint = join_states(q, p, torch.arange(len(questions))[:, None].expand(-1, 2))
    return encoder.encode_joint(joint)[-1], joint.packing


def run_reference(model: Any, question: list[int], passage: list[int], k: int) -> Tensor:
    """One pair through `transformers`: block-diagonal mask below k, full above."""
    n = len(question) + len(passage)
    ids = torch.tensor([question + passage])
    second = torch.arange(n) >= len(question)
    apart = (second[:, None] != second[None, :]).float()
    if model.config.model_type == "xlnet":
        return run_xlnet_reference(model, ids, apart, k)
    positions = torch.tensor([call_positions(model, len(question), len(passage))])
    if model.config.model_type == "mpnet":
        hidden = model.embeddings(input_ids=ids, position_ids=positions)
        extra = [model.encoder.compute_position_bias(hidden)]
    else:
        types = torch.tensor([call_types(model, len(question), len(passage))])
        hidden = model.embeddings(input_ids=ids, token_type_ids=types, position_ids=positions)
        extra = []
    for i, layer in enumerate(model.encoder.layer):
        mask = apart * torch.finfo(torch.float32).min if i < k else torch.zeros(n, n)
        out = layer(hidden, mask[None, None], *extra)
        hidden = out[0] if isinstance(out, tuple) else out
    joint: Tensor = hidden[0]
    return joint


def run_xlnet_reference(model: Any, ids: Tensor, apart: Tensor, k: int) -> Tensor:
    """Distances are those of the pair laid end to end, in every layer."""
    n = ids.shape[1]
    hidden = model.word_embedding(ids).transpose(0, 1)
    distances = model.relative_positional_encoding(n, n, bsz=1)
    segments = torch.nn.functional.one_hot(apart.long(), 2).float()[:, :, None]
    for i, layer in enumerate(model.layer):
        mask = apart[:, :, None, None] if i < k else None
        hidden, _ = layer(hidden, None, mask, None, distances, segments)
    joint: Tensor = hidden[:, 0]
    return joint


@EACH_CASE
def test_undecomposed_equals_the_whole_model_called_as_users_call_it(
    family: str, shape: dict[str, Any]
) -> None:
    model = reference_model(family, shape)
    with torch.no_grad():
        hidden, packing = run_split(split(model, 0), QUESTIONS, PASSAGES)
        # Padded on the right, as users batch, so that our packing is held against their mask.
        ids = torch.zeros(3, packing.longest, dtype=torch.long)
        types, positions, mask = ids.clone(), ids.clone(), ids.clone()
        for row, (q, p) in enumerate(zip(QUESTIONS, PASSAGES, strict=True)):
            n = len(q) + len(p)
            ids[row, :n] = torch.tensor(q + p)
            types[row, :n] = torch.tensor(call_types(model, len(q), len(p)))
            positions[row, :n] = torch.tensor(call_positions(model, len(q), len(p)))
            mask[row, :n] = 1
        call = {"input_ids": ids, "token_type_ids": types, "attention_mask": mask}
        if family == "mpnet":
            del call["token_type_ids"]
        if family != "xlnet":
            call["position_ids"] = positions
        theirs = model(**call).last_hidden_state
    torch.testing.assert_close(hidden, packing.unpad(theirs), atol=1e-5, rtol=1e-5)


@EACH_CASE
@pytest.mark.parametrize("k", [1, 2])
def test_split_equals_the_model_under_a_block_diagonal_mask_below_the_cut(
    family: str, shape: dict[str, Any], k: int
) -> None:
    model = reference_model(family, shape)
    if k == n_layers(model):
        pytest.skip("nothing is left above the cut")
    pairs = list(zip(QUESTIONS, PASSAGES, strict=True))
    with torch.no_grad():
        hidden, _ = run_split(split(model, k), QUESTIONS, PASSAGES)
        theirs = torch.cat([run_reference(model, q, p, k) for q, p in pairs])
        joint = torch.cat([run_reference(model, q, p, 0) for q, p in pairs])
    torch.testing.assert_close(hidden, theirs, atol=1e-5, rtol=1e-5)
    assert (hidden - joint).abs().max() > 1e-2, "the cut makes no difference: the test is blind"


@ONE_OF_EACH
def test_a_batch_equals_its_sequences_one_by_one(family: str, shape: dict[str, Any]) -> None:
    encoder = split(reference_model(family, shape), 1)
    with torch.no_grad():
        together, _ = run_split(encoder, QUESTIONS, PASSAGES)
        alone = [run_split(encoder, [q], [p])[0] for q, p in zip(QUESTIONS, PASSAGES, strict=True)]
    torch.testing.assert_close(together, torch.cat(alone), atol=1e-5, rtol=1e-5)


def test_types_matter_to_bert() -> None:
    encoder = split(reference_model(*CASES[0]), 1)
    as_passage = encoder.encode_alone(packed(PASSAGES, PASSAGE_TYPE)).hidden
    as_question = encoder.encode_alone(packed(PASSAGES, QUESTION_TYPE)).hidden
    assert (as_passage - as_question).abs().max() > 1e-2


@pytest.mark.parametrize("shape", XLNET_SHAPES)
def test_an_xlnet_text_alone_is_what_it_is_without_types(shape: dict[str, Any]) -> None:
    model = reference_model("xlnet", shape)
    encoder = split(model, n_layers(model))
    with torch.no_grad():
        ours = encoder.encode_alone(packed(PASSAGES, PASSAGE_TYPE)).hidden
        theirs = [model(torch.tensor([passage])).last_hidden_state[0] for passage in PASSAGES]
    torch.testing.assert_close(ours, torch.cat(theirs), atol=1e-5, rtol=1e-5)


def test_xlnet_tells_the_segments_apart_and_how_far_off_they_are() -> None:
    """Above the cut, the same states in other segments or at another distance come out changed."""
    encoder = split(reference_model("xlnet", XLNET_SHAPES[0]), 2)
    with torch.no_grad():
        alone = packed([QUESTIONS[0] + PASSAGES[0]], QUESTION_TYPE).packing
        states = torch.randn(alone.total, 32, generator=torch.Generator().manual_seed(1))
        one_segment = encoder.encode_joint(States(states, alone))[-1]
        apart = Packing([alone.total], first=torch.tensor([4]))
        two = encoder.encode_joint(States(states, apart))[-1]
        swapped = encoder.encode_joint(States(states.flip(0), alone))[-1].flip(0)
    assert (one_segment - two).abs().max() > 1e-2
    assert (one_segment - swapped).abs().max() > 1e-2


def test_xlnet_attends_by_distance_and_segment_as_worked_out_by_hand() -> None:
    """Content keys are nought, so logits are the bias times the distance's sine, plus a segment's.

    Width 2, one head: a distance d is (sin d, cos d). Only its sine is taken, and the segment
    counts 3 where it is another. A key's value is its token's first number.
    """
    attention = RelativeAttention(hidden_width=2, n_heads=1, head_width=2)
    with torch.no_grad():
        for parameter in attention.parameters():
            parameter.zero_()
        attention.qkv.weight[4, 0] = 1.0
        attention.distance.weight[0, 0] = 1.0
        attention.output.weight[0, 0] = 1.0
        attention.distance_bias[0, 0] = 2**0.5
        attention.segment_bias[0, 0] = 2**0.5
        attention.segments[1, 0, 0] = 3.0
        hidden = torch.tensor([[5.0, 0.0], [7.0, 0.0], [11.0, 0.0]])
        found = attention(hidden, Packing([3], first=torch.tensor([1])))
    values = [5.0, 7.0, 11.0]
    for i in range(3):
        logits = [math.sin(i - j) + 3 * ((i < 1) != (j < 1)) for j in range(3)]
        weights = [math.exp(logit) for logit in logits]
        mean = sum(w * v for w, v in zip(weights, values, strict=True)) / sum(weights)
        assert found[i].tolist() == pytest.approx([mean, 0.0], abs=1e-5)


@pytest.mark.parametrize("k", [0, 1])
def test_mpnet_takes_distances_as_its_own_code_does_in_texts_of_any_length(k: int) -> None:
    shape = {**BERT_SHAPES[1], "max_position_embeddings": 514}
    model = reference_model("mpnet", shape)
    generator = torch.Generator().manual_seed(2)
    question, passage = (
        torch.randint(5, 80, (n,), generator=generator).tolist() for n in (60, 330)
    )
    with torch.no_grad():
        hidden, _ = run_split(split(model, k), [question], [passage])
        theirs = run_reference(model, question, passage, k)
    torch.testing.assert_close(hidden, theirs, atol=1e-4, rtol=1e-4)


def test_an_mpnet_text_alone_below_the_cut_is_what_it_is_without_a_question() -> None:
    model = reference_model("mpnet", BERT_SHAPES[0])
    encoder = split(model, n_layers(model))
    with torch.no_grad():
        ours = encoder.encode_alone(packed(PASSAGES, PASSAGE_TYPE)).hidden
        theirs = [model(torch.tensor([passage])).last_hidden_state[0] for passage in PASSAGES]
    torch.testing.assert_close(ours, torch.cat(theirs), atol=1e-5, rtol=1e-5)


def test_a_bias_by_distance_is_of_original_places_where_some_tokens_are_read() -> None:
    bias = DistanceBias(1)
    packing = Packing([3, 5])
    with torch.no_grad():
        bias.weight.copy_(torch.arange(32.0))
        square = bias(packing)[0]
        some = bias(packing, torch.tensor([[2, 0], [7, 4]]))[:, 0]
    assert square.tolist() == [
        [(j - i) + 16 if j > i else i - j for j in range(5)] for i in range(5)
    ]
    assert some.tolist() == [square[[2, 0]].tolist(), square[[4, 1]].tolist()]


@ONE_OF_EACH
def test_training_reaches_every_weight_above_the_cut_also_after_inference(
    family: str, shape: dict[str, Any]
) -> None:
    encoder = split(reference_model(family, shape), 1)
    with torch.inference_mode():
        run_split(encoder, QUESTIONS, PASSAGES)
    hidden, _ = run_split(encoder, QUESTIONS, PASSAGES)
    hidden[:, 0].square().sum().backward()
    for name, parameter in [*encoder.upper.named_parameters()]:
        assert parameter.grad is not None, name
        assert parameter.grad.any(), name


@ONE_OF_EACH
def test_a_text_of_one_piece_is_read(family: str, shape: dict[str, Any]) -> None:
    model = reference_model(family, shape)
    with torch.no_grad():
        hidden, _ = run_split(split(model, 1), [[1, 7, 2]], [[2]])
        theirs = run_reference(model, [1, 7, 2], [2], 1)
    torch.testing.assert_close(hidden, theirs, atol=1e-5, rtol=1e-5)


@ONE_OF_EACH
def test_reselect_takes_layers_by_the_number_they_had(family: str, shape: dict[str, Any]) -> None:
    teacher = split(reference_model(family, shape), 0)
    student = reselect(teacher, lower=(1, 2), upper=(3,))
    for mine, theirs in ((student.lower[1], 1), (student.upper[0], 2)):
        expected = teacher.upper[theirs].state_dict()
        for name, value in mine.state_dict().items():
            assert torch.equal(value, expected[name])
    with pytest.raises(CheckpointError, match="layer 9 asked for"):
        reselect(teacher, lower=(1,), upper=(9,))


@ONE_OF_EACH
def test_vector_layers_carry_a_text_alone_on_to_the_base_models_mean(
    family: str, shape: dict[str, Any]
) -> None:
    model = reference_model(family, shape)
    n = n_layers(model)
    encoder = with_vector_layers(split(model, 1), split(model, 0), range(2, n + 1))
    with torch.no_grad():
        vector = encoder.pool(encoder.encode_alone(packed([PASSAGES[0]], QUESTION_TYPE)))
        whole = model(torch.tensor([PASSAGES[0]])).last_hidden_state[0]
    expected = torch.nn.functional.normalize(whole.mean(0), dim=0)
    torch.testing.assert_close(vector[0], expected, atol=1e-5, rtol=1e-5)


def last_layer_weight(model: Any) -> str:
    last = f"layer.{n_layers(model) - 1}."
    names: list[str] = [name for name, _ in model.named_parameters() if last in name]
    return names[-1]


@ONE_OF_EACH
def test_a_missing_weight_is_named(family: str, shape: dict[str, Any]) -> None:
    model = reference_model(family, shape)
    weights = dict(model.state_dict())
    name = last_layer_weight(model)
    del weights[name]
    config = encoder_config(model.config.to_dict(), lower=(1,), upper=(n_layers(model),))
    with pytest.raises(CheckpointError, match=re.escape(name)):
        from_state_dict(weights, config)


@ONE_OF_EACH
def test_a_weight_of_another_shape_is_named_in_one_line(family: str, shape: dict[str, Any]) -> None:
    model = reference_model(family, shape)
    weights = dict(model.state_dict())
    name = last_layer_weight(model)
    weights[name] = torch.zeros(5)
    config = encoder_config(model.config.to_dict(), lower=(1,), upper=(n_layers(model),))
    with pytest.raises(CheckpointError, match=r"upper\.0\.\S+ .*\[5\]") as error:
        from_state_dict(weights, config)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("family", "change", "reason"),
    [
        ("bert", {"hidden_act": "relu"}, "activation 'relu'"),
        ("bert", {"is_decoder": True}, "decoder"),
        ("bert", {"position_embedding_type": "relative_key"}, "'relative_key'"),
        ("bert", {"num_attention_heads": 5}, "32 isn't a multiple of 5 heads"),
        ("roberta", {"max_position_embeddings": 2}, "positions should be .* not 0"),
        ("mpnet", {"relative_attention_num_buckets": 16}, "num_buckets 16 isn't supported"),
        ("mpnet", {"hidden_act": "relu"}, "activation 'relu'"),
        ("xlnet", {"attn_type": "uni"}, "attn_type 'uni'"),
        ("xlnet", {"bi_data": True}, "bi_data True"),
        ("xlnet", {"clamp_len": 8}, "clamp_len 8"),
        ("xlnet", {"ff_activation": "relu"}, "activation 'relu'"),
        ("xlnet", {"d_model": 33, "n_head": 3}, "even width, not 33"),
        ("xlnet", {"model_type": "t5"}, "family 't5' can't be split, only bert, roberta"),
    ],
)
def test_what_is_not_computed_is_refused_by_name(
    family: str, change: dict[str, Any], reason: str
) -> None:
    shape = XLNET_SHAPES[0] if family == "xlnet" else BERT_SHAPES[0]
    settings = reference_model(family, shape).config.to_dict()
    with pytest.raises(CheckpointError, match=reason):
        encoder_config({**settings, **change}, lower=(), upper=(1,))


@ONE_OF_EACH
def test_an_unknown_layer_is_named(family: str, shape: dict[str, Any]) -> None:
    settings = reference_model(family, shape).config.to_dict()
    with pytest.raises(CheckpointError, match="layer 5 asked for, the model has 1 to 4"):
        encoder_config(settings, lower=(), upper=(5,))


def test_a_family_that_a_checkpoint_makes_up_is_refused() -> None:
    settings = split(reference_model(*CASES[0]), 1).config.to_dict()
    with pytest.raises(CheckpointError, match="family 'gpt' isn't known, only bert"):
        EncoderConfig.from_dict({**settings, "family": "gpt"})
