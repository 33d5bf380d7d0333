"""The loop of trainings: what a step goes down, and in how many parts."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from engine.training.loop import Pace, Resume, run_steps

TARGET = torch.tensor([3.0, -1.0, 0.5])


def learnt(losses_of: Callable[[Tensor, int], list[Tensor]]) -> tuple[Tensor, list[float]]:
    weight = nn.Parameter(torch.zeros(3))
    losses: list[float] = []
    run_steps(
        {"weight": weight},
        5,
        lambda step: losses_of(weight, step),
        Pace(0.1, clip=0.5),
        on_progress=lambda p: losses.append(p.loss),
    )
    return weight.detach(), losses


def test_a_step_in_parts_is_the_step_down_their_sum() -> None:
    def squares(weight: Tensor, step: int, places: slice) -> Tensor:
        return (weight[places] - TARGET[places]).pow(2).sum() * (step + 1)

    each = [slice(0, 1), slice(1, 3)]
    whole = learnt(lambda weight, step: [squares(weight, step, slice(0, 3))])
    parts = learnt(lambda weight, step: [squares(weight, step, part) for part in each])
    torch.testing.assert_close(parts[0], whole[0])
    assert parts[1] == pytest.approx(whole[1])
    assert whole[1][0] == pytest.approx(float(TARGET.pow(2).sum())), "none is left out"


def test_a_part_is_gone_back_through_before_the_next_is_made() -> None:
    weight = nn.Parameter(torch.ones(2))
    gradients: list[list[float]] = []

    def losses_of(_: int) -> Iterator[Tensor]:
        for factor in (1.0, 10.0):
            yield factor * weight.sum()
            assert weight.grad is not None
            gradients.append(weight.grad.tolist())

    run_steps({"weight": weight}, 1, losses_of, Pace(0.1))
    assert gradients == [[1.0, 1.0], [11.0, 11.0]]


@pytest.mark.usefixtures("heeds_interrupts")
def test_an_interrupted_run_ends_its_step_and_goes_on_behind_it(tmp_path: Path) -> None:
    steps: list[list[int]] = []

    def run(interrupt_at: int | None) -> Tensor:
        weight = nn.Parameter(torch.zeros(3))
        steps.append([])

        def losses_of(step: int) -> Iterator[Tensor]:
            if step == interrupt_at:
                signal.raise_signal(signal.SIGINT)
            yield (weight - TARGET).pow(2).sum() * (step + 1)

        run_steps(
            {"weight": weight},
            5,
            losses_of,
            Pace(0.1, clip=0.5),
            resume=Resume(tmp_path, "one"),
            on_progress=lambda p: steps[-1].append(p.step),
        )
        return weight.detach()

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        run(interrupt_at=2)
    assert signal.getsignal(signal.SIGINT) is before
    resumed = run(interrupt_at=None)
    assert steps == [[1, 2, 3], [4, 5]]
    whole, _ = learnt(lambda weight, step: [(weight - TARGET).pow(2).sum() * (step + 1)])
    torch.testing.assert_close(resumed, whole)


@pytest.mark.usefixtures("heeds_interrupts")
@pytest.mark.parametrize("interrupt_at", [None, 1, 2, 3, 4])
def test_the_mean_over_the_last_steps_is_learnt_also_over_an_interruption(
    tmp_path: Path, interrupt_at: int | None
) -> None:
    def run(interrupt_at: int | None, average: float) -> list[Tensor]:
        """The weights behind each step."""
        weight, behind = nn.Parameter(torch.zeros(3)), []

        def losses_of(step: int) -> Iterator[Tensor]:
            if step == interrupt_at:
                signal.raise_signal(signal.SIGINT)
            yield (weight - TARGET).pow(2).sum()

        run_steps(
            {"weight": weight},
            5,
            losses_of,
            Pace(0.1, average=average),
            resume=Resume(tmp_path / str(average), "one"),
            evaluate=lambda _: behind.append(weight.detach().clone()),
            evaluate_every=1,
        )
        return [*behind, weight.detach()]

    each = run(None, 0.0)
    if interrupt_at is not None:
        with pytest.raises(KeyboardInterrupt):
            run(interrupt_at, 0.6)
    *_, learnt = run(None, 0.6)
    torch.testing.assert_close(learnt, torch.stack(each[2:5]).mean(0))
    if interrupt_at is None:
        assert torch.equal(run(None, 0.0)[-1], each[-1])


@pytest.mark.usefixtures("heeds_interrupts")
def test_interrupted_again_it_stops_at_once(tmp_path: Path) -> None:
    weight = nn.Parameter(torch.zeros(3))

    def losses_of(_: int) -> Iterator[Tensor]:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        pytest.fail("the second one was held back too")
        yield weight.sum()

    with pytest.raises(KeyboardInterrupt):
        run_steps({"weight": weight}, 5, losses_of, Pace(0.1), resume=Resume(tmp_path, "one"))
    assert not any(tmp_path.iterdir())


@pytest.mark.usefixtures("heeds_interrupts")
def test_where_interrupts_are_ignored_they_stay_so(tmp_path: Path) -> None:
    weight = nn.Parameter(torch.zeros(3))

    def losses_of(_: int) -> Iterator[Tensor]:
        signal.raise_signal(signal.SIGINT)
        yield weight.sum()

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    run_steps({"weight": weight}, 2, losses_of, Pace(0.1), resume=Resume(tmp_path, "one"))
    assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    assert weight.tolist() != [0.0] * 3
