"""How many passages fit into a time, on machines of known speed."""

from collections.abc import Callable

import pytest

from engine.answering.pace import Pace, read_within


class Machine:
    """Takes `fixed` and `each` milliseconds a token; its first reading takes `first` more.

    `readings` are the numbers of passages read.
    """

    def __init__(self, tokens: list[int], *, fixed: float, each: float, first: float) -> None:
        self.tokens, self.fixed, self.each, self.first = tokens, fixed, each, first
        self.spent = 0.0
        self.readings: list[int] = []

    def read(self, n: int) -> str:
        self.spent += self.fixed + self.each * sum(self.tokens[:n])
        self.spent += 0 if self.readings else self.first
        self.readings.append(n)
        return f"of {n}"

    def left(self, budget: float) -> Callable[[], float]:
        begun = self.spent
        return lambda: begun + budget - self.spent


TOKENS = [100] * 20


def machine(**odd: float) -> Machine:
    return Machine(TOKENS, **{"fixed": 2.0, "each": 0.05, "first": 0.0, **odd})


@pytest.mark.parametrize(("first", "fewest"), [(0, 8), (40, 8), (400, 1)])
@pytest.mark.parametrize("slower", [1, 10])
def test_the_first_question_keeps_to_its_time_and_uses_it(
    first: float, fewest: int, slower: float
) -> None:
    """A first reading that leaves less time than it took doesn't show that another would fit."""
    its = machine(fixed=2.0 * slower, each=0.05 * slower, first=first * slower)
    budget = (first + 90) * slower
    result, n = read_within(its.left(budget), TOKENS, Pace(), its.read)
    assert result == f"of {n}"
    assert its.readings[-1] == n
    assert its.spent <= budget
    assert n >= fewest, "of 17 that fit beside the first reading"


def test_further_questions_fill_their_time() -> None:
    its, pace = machine(first=300), Pace()
    for _ in range(3):
        read_within(its.left(70), TOKENS, pace, its.read)
    before = its.spent
    _, n = read_within(its.left(70), TOKENS, pace, its.read)
    assert its.spent - before <= 70
    assert 10 <= n <= 13  # 13 would take 67 ms


def test_where_all_fit_all_are_read_at_once() -> None:
    its, pace = machine(), Pace()
    assert read_within(its.left(1e6), TOKENS, pace, its.read) == ("of 20", 20)
    assert its.readings == [1, 20]
    assert read_within(its.left(1e6), TOKENS, pace, its.read) == ("of 20", 20)
    assert its.readings == [1, 20, 20]


@pytest.mark.parametrize("budget", [-5, 0, 1, 6.9])
def test_one_is_read_in_any_case(budget: float) -> None:
    its, pace = machine(), Pace()
    for _ in range(3):
        assert read_within(its.left(budget), TOKENS, pace, its.read) == ("of 1", 1)
    assert its.readings == [1, 1, 1]


def test_a_machine_that_slows_down_is_followed() -> None:
    its, pace = machine(), Pace()
    for _ in range(5):
        read_within(its.left(60), TOKENS, pace, its.read)
    its.each *= 4
    for _ in range(4):
        read_within(its.left(60), TOKENS, pace, its.read)
    before = its.spent
    _, n = read_within(its.left(60), TOKENS, pace, its.read)
    assert its.spent - before <= 60
    assert n == 2


def test_a_long_passage_ends_what_fits() -> None:
    pace = Pace()
    pace.learn(100, 10.0)
    pace.learn(100, 10.0)
    assert pace.fitting([100, 300, 10], 23) == 1
    assert pace.fitting([100, 100, 10], 23) == 2
    assert pace.fitting([100, 100, 10], 1000) == 3
    assert Pace().fitting([100], 1e9) == 0


class Cascade(Machine):
    """Reads all tokens a little, and those of six passages to the end."""

    def read(self, n: int) -> str:
        self.spent += self.each * sum(self.tokens[: min(n, 6)])
        return super().read(n)


def test_a_machine_that_reads_few_passages_to_the_end_is_followed() -> None:
    its, pace = Cascade(TOKENS, fixed=2.0, each=0.05, first=0.0), Pace()
    for budget in (1e6, 80, 80, 1e6, 80):
        before = its.spent
        _, n = read_within(its.left(budget), TOKENS, pace, its.read)
    assert its.spent - before <= 80
    assert 6 <= n <= 9  # 9 would take 77 ms


def test_one_slow_reading_does_not_hold_up_the_next_questions() -> None:
    its, pace = machine(), Pace()
    for budget in (1e6, 70, 70):
        read_within(its.left(budget), TOKENS, pace, its.read)
    pace.learn(600, 400.0)
    before = its.spent
    _, n = read_within(its.left(70), TOKENS, pace, its.read)
    assert its.spent - before <= 70
    assert 8 <= n <= 13
