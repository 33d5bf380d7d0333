"""The split encoder computes what `transformers` computes, given the same positions and types."""

import pytest
import torch
from transformers import BertConfig, BertModel

from engine.encoder.convert import encoder_config, from_state_dict, reselect, to_state_dict
from engine.encoder.packing import Packing
from engine.encoder.split import PASSAGE_TYPE, QUESTION_TYPE, join_states
from engine.errors import CheckpointError

SHAPES = [
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
QUESTIONS = [[1, 7, 9, 2], [1, 30, 2], [1, 11, 12, 13, 14, 2]]
PASSAGES = [[40, 41, 42, 43, 44, 2], [50, 51, 2], [60, 61, 62, 63, 64, 65, 66, 67, 2]]


def reference_model(shape: dict) -> BertModel:
    torch.manual_seed(0)
    config = BertConfig(vocab_size=80, max_position_embeddings=40, **shape)
    model = BertModel(config, add_pooling_layer=False).eval()
    for name, parameter in model.named_parameters():  # defaults leave norms and biases unseen
        is_norm = name.endswith("LayerNorm.weight")
        torch.nn.init.normal_(parameter, mean=float(is_norm), std=0.3)
    return model


def packed(sequences: list[list[int]]) -> tuple[torch.Tensor, Packing]:
    return torch.tensor([piece for sequence in sequences for piece in sequence]), Packing(
        [len(s) for s in sequences]
    )


def split(model: BertModel, k: int):
    n = model.config.num_hidden_layers
    config = encoder_config(
        model.config.to_dict(), lower=range(1, k + 1), upper=range(k + 1, n + 1)
    )
    return from_state_dict(model.state_dict(), config).eval()


def run_split(encoder, questions, passages) -> tuple[torch.Tensor, Packing]:
    q_ids, q_packing = packed(questions)
    p_ids, p_packing = packed(passages)
    q = encoder.encode_alone(q_ids, q_packing, QUESTION_TYPE)
    p = encoder.encode_alone(p_ids, p_packing, PASSAGE_TYPE)
    pairs = torch.arange(len(questions))[:, None].expand(-1, 2)
    hidden, packing = join_states(q, q_packing, p, p_packing, pairs)
    return encoder.encode_joint(hidden, packing)[-1], packing


def run_reference(model: BertModel, question: list[int], passage: list[int], k: int):
    """One pair through `transformers`: block-diagonal mask below k, full above."""
    n = len(question) + len(passage)
    ids = torch.tensor([question + passage])
    types = torch.tensor([[0] * len(question) + [1] * len(passage)])
    positions = torch.tensor([[*range(len(question)), *range(len(passage))]])
    hidden = model.embeddings(input_ids=ids, token_type_ids=types, position_ids=positions)
    same = types[0][:, None] == types[0][None, :]
    apart = torch.zeros(n, n).masked_fill(~same, torch.finfo(torch.float32).min)
    for i, layer in enumerate(model.encoder.layer):
        mask = apart if i < k else torch.zeros(n, n)
        out = layer(hidden, mask[None, None])
        hidden = out[0] if isinstance(out, tuple) else out
    return hidden[0]


@pytest.mark.parametrize("shape", SHAPES)
def test_undecomposed_equals_the_whole_model_called_as_users_call_it(shape):
    model = reference_model(shape)
    with torch.no_grad():
        hidden, packing = run_split(split(model, 0), QUESTIONS, PASSAGES)
        # Padded on the right, as users batch, so that our packing is held against their mask.
        longest = packing.longest
        ids = torch.zeros(3, longest, dtype=torch.long)
        types, positions, mask = ids.clone(), ids.clone(), ids.clone()
        for row, (q, p) in enumerate(zip(QUESTIONS, PASSAGES, strict=True)):
            n = len(q) + len(p)
            ids[row, :n] = torch.tensor(q + p)
            types[row, len(q) : n] = 1
            positions[row, :n] = torch.tensor([*range(len(q)), *range(len(p))])
            mask[row, :n] = 1
        theirs = model(
            input_ids=ids, token_type_ids=types, position_ids=positions, attention_mask=mask
        ).last_hidden_state
    torch.testing.assert_close(hidden, packing.unpad(theirs), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("k", [1, 2])
def test_split_equals_the_model_under_a_block_diagonal_mask_below_the_cut(shape, k):
    model = reference_model(shape)
    if k == model.config.num_hidden_layers:
        pytest.skip("nothing is left above the cut")
    with torch.no_grad():
        hidden, _ = run_split(split(model, k), QUESTIONS, PASSAGES)
        theirs = [run_reference(model, q, p, k) for q, p in zip(QUESTIONS, PASSAGES, strict=True)]
    torch.testing.assert_close(hidden, torch.cat(theirs), atol=1e-5, rtol=1e-5)
    with torch.no_grad():
        joint = torch.cat(
            [run_reference(model, q, p, 0) for q, p in zip(QUESTIONS, PASSAGES, strict=True)]
        )
    assert (hidden - joint).abs().max() > 1e-2, "the cut makes no difference: the test is blind"


def test_a_batch_equals_its_sequences_one_by_one():
    encoder = split(reference_model(SHAPES[0]), 2)
    with torch.no_grad():
        together, _ = run_split(encoder, QUESTIONS, PASSAGES)
        alone = [run_split(encoder, [q], [p])[0] for q, p in zip(QUESTIONS, PASSAGES, strict=True)]
    torch.testing.assert_close(together, torch.cat(alone), atol=1e-6, rtol=1e-5)


def test_types_matter():
    encoder = split(reference_model(SHAPES[0]), 1)
    ids, packing = packed(PASSAGES)
    as_passage = encoder.encode_alone(ids, packing, PASSAGE_TYPE)
    as_question = encoder.encode_alone(ids, packing, QUESTION_TYPE)
    assert (as_passage - as_question).abs().max() > 1e-2


def test_conversion_there_and_back_gives_the_same_weights():
    model = reference_model(SHAPES[1])
    theirs = model.state_dict()
    back = to_state_dict(split(model, 1))
    assert set(back) == {name for name in theirs if "position_ids" not in name}
    for name, value in back.items():
        assert torch.equal(value, theirs[name]), name


def test_reselect_takes_layers_by_the_number_they_had():
    teacher = split(reference_model(SHAPES[0]), 0)
    student = reselect(teacher, lower=(1, 2), upper=(4,))
    for mine, theirs in ((student.lower[1], 1), (student.upper[0], 3)):
        expected = teacher.upper[theirs].state_dict()
        for name, value in mine.state_dict().items():
            assert torch.equal(value, expected[name])
    with pytest.raises(CheckpointError, match="layer 9 asked for"):
        reselect(teacher, lower=(1,), upper=(9,))


def test_missing_weights_and_unknown_layers_are_named():
    model = reference_model(SHAPES[1])
    settings = model.config.to_dict()
    with pytest.raises(CheckpointError, match="layer 4 asked for, the model has 1 to 3"):
        encoder_config(settings, lower=(), upper=(4,))
    weights = dict(model.state_dict())
    del weights["encoder.layer.2.output.dense.bias"]
    with pytest.raises(CheckpointError, match=r"encoder\.layer\.2\.output\.dense\.bias"):
        from_state_dict(weights, encoder_config(settings, lower=(1,), upper=(3,)))
    with pytest.raises(CheckpointError, match="activation 'relu'"):
        encoder_config({**settings, "hidden_act": "relu"}, lower=(), upper=(1,))
