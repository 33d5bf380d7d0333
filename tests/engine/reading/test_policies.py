"""What is skipped is a policy that a checkpoint names, with weights of its own if it has any."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from engine.checkpoint import Settings, load_checkpoint, save_checkpoint
from engine.encoder.config import EncoderConfig
from engine.encoder.selection import reselect
from engine.encoder.states import States
from engine.errors import CheckpointError
from engine.reading.read import ReadingOptions, read_in_batches
from engine.reading.reader import Reader
from engine.reading.skipping import POLICIES, EveryToken, LastLayer
from engine.reading.spans import best_spans
from engine.reading.upper import Heads, Upper
from engine.text.tokenization import Tokenizer


@dataclass(frozen=True)
class LayersByGate:
    """A policy with a head for each upper layer: a layer is left out where its gate is shut."""

    kind: ClassVar[str] = "gates"
    ends: ClassVar[int] = 0
    least: float

    def heads(self, config: EncoderConfig) -> dict[str, nn.Module]:
        return {str(i): nn.Linear(config.hidden_width, 1) for i in range(len(config.upper))}

    def read(self, reader: Heads, joint: States, passage_start: Tensor, question: Tensor) -> Upper:
        hidden = joint.hidden
        for number, layer in enumerate(reader.upper):
            gate = reader.skipping[str(number)]
            if float(gate(hidden).mean()) >= self.least:
                hidden = layer(hidden, joint.packing)
        whole = EveryToken().read(reader, joint, passage_start, question)
        return Upper(whole.span, hidden[joint.packing.starts], [])


@pytest.fixture
def gates(monkeypatch: pytest.MonkeyPatch) -> LayersByGate:
    monkeypatch.setitem(POLICIES, "gates", LayersByGate)
    return LayersByGate(least=0.5)


def with_gates(make_reader: Callable[..., Reader], policy: LayersByGate) -> Reader:
    reader = make_reader(lower=(), upper=(1, 2, 3, 4))
    reader.add_skipping(policy)
    return reader


def test_a_policy_s_heads_are_kept_with_the_reader_and_come_back(
    make_reader: Callable[..., Reader], gates: LayersByGate, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    reader = with_gates(make_reader, gates)
    folder = tmp_path / "model"
    save_checkpoint(reader, tokenizer, Settings(skipping=gates), folder)
    config = json.loads((folder / "config.json").read_text())
    assert config["skipping"] == {"kind": "gates", "least": 0.5}
    loaded = load_checkpoint(folder, dtype=torch.float32)
    assert loaded.reading.skipping == gates
    kept = reader.skipping["2"].weight.half().float()
    assert torch.equal(loaded.reader.skipping["2"].weight, kept)
    student = loaded.reader.with_encoder(reselect(reader.encoder, lower=(1,), upper=(2, 3, 4)))
    assert torch.equal(student.skipping["2"].weight, kept)


def test_a_policy_runs_the_layers_that_it_chooses(
    make_reader: Callable[..., Reader], gates: LayersByGate, tokenizer: Tokenizer
) -> None:
    reader = with_gates(make_reader, gates)
    pieces = [tokenizer.encode("who lit the lamp").ids]
    [whole] = read_in_batches(
        reader, tokenizer, pieces, pieces, ReadingOptions(dtype=torch.float32)
    )
    options = ReadingOptions(dtype=torch.float32, skipping=gates)
    for number, shut in enumerate((False, True)):
        with torch.no_grad():
            for gate in reader.skipping.values():
                gate.weight.zero_()
                gate.bias.fill_(0.0 if shut else 1.0)
        [found] = read_in_batches(reader, tokenizer, pieces, pieces, options)
        assert torch.allclose(found.null, whole.null) is not shut, number


def test_a_checkpoint_of_before_there_were_policies_skips_what_it_did(
    checkpoint_folder: Path,
) -> None:
    path = checkpoint_folder / "config.json"
    content = json.loads(path.read_text())
    before = load_checkpoint(checkpoint_folder).fingerprint
    for skim, policy in ((0, EveryToken()), (8, LastLayer(8))):
        del content["skipping"]
        path.write_text(json.dumps({**content, "skim": skim}))
        loaded = load_checkpoint(checkpoint_folder)
        assert (loaded.settings.skipping, loaded.fingerprint) == (policy, before)
        content["skipping"] = None


@pytest.mark.parametrize(
    ("skipping", "told"),
    [
        ({"kind": "words", "threshold": 0.1}, "skipping by 'words' isn't known, only by none"),
        ({"kind": "blocks", "threshold": 0.1}, r"needs \['after', 'threshold'\], not"),
        ({"kind": "blocks", "threshold": 2.0, "after": [1]}, "a threshold is from 0 to 1, not 2.0"),
        ({"kind": "blocks", "threshold": 0.1, "after": []}, "expected numbers of upper layers"),
        ({"kind": "blocks", "threshold": 0.1, "after": [2]}, "after upper layer 2 save nothing"),
        ({"kind": "blocks", "threshold": 0.1, "after": "1"}, "expected numbers of upper layers"),
        ({"kind": "last-layer"}, r"skipping by 'last-layer' needs \['ends'\], not \[\]"),
        ({"kind": "last-layer", "ends": 0}, "ends should be a whole number above 0"),
        ({"kind": "none", "ends": 3}, r"needs \[\], not \['ends'\]"),
        ("last-layer", "skipping by 'last-layer' isn't known"),
    ],
)
def test_a_policy_that_is_not_known_is_refused_by_name(
    checkpoint_folder: Path, skipping: object, told: str
) -> None:
    path = checkpoint_folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "skipping": skipping}))
    with pytest.raises(CheckpointError, match=told) as refused:
        load_checkpoint(checkpoint_folder)
    assert "config.json" in str(refused.value)


@pytest.mark.parametrize("skipping", [EveryToken(), LastLayer(2)], ids=["whole", "last layer"])
def test_all_that_reading_makes_lies_where_the_reader_is(
    make_reader: Callable[..., Reader], tokenizer: Tokenizer, skipping: EveryToken | LastLayer
) -> None:
    """On torch's meta device, which refuses to mix with tensors of the processor."""
    reader = make_reader(vector=(3,)).to("meta")
    pieces = [np.array(ids, np.int32) for ids in ([5, 6, 7], [8])]
    options = ReadingOptions(dtype=torch.float32, skipping=skipping)
    [output] = read_in_batches(reader, tokenizer, pieces, pieces, options)
    spans = best_spans(output, 3)
    for tensor in (output.start, output.null, output.relevance, spans.score, spans.first):
        assert tensor.device == torch.device("meta")
    assert spans.score.shape == (4, 3)
