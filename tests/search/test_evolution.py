"""Search methods on a planted fitness."""

from __future__ import annotations

import subprocess
import sys

import pytest
from toy_search import ToySpace, planted_fitness

from evalkit.errors import EvalkitError
from evalkit.search import evolution
from evalkit.search.evolution import METHODS, Enumeration, Goal, create_method
from evalkit.search.front import hypervolume, pareto_front
from evalkit.search.space import Genes

GOAL = Goal(ToySpace(), {"macs": 60.0}, "macs")


def proposals(name: str, seed: int, evaluations: int = 300, population: int = 30) -> list[Genes]:
    method = create_method(name, GOAL, population=population, evaluations=evaluations, seed=seed)
    found: list[Genes] = []
    while len(found) < evaluations:
        asked = method.ask()
        found += asked
        method.tell([planted_fitness(genes) for genes in asked])
    return found


def dominated(found: list[Genes]) -> float:
    return hypervolume([(GOAL.cost(genes), planted_fitness(genes)) for genes in found], (60.0, 0.0))


@pytest.mark.parametrize("name", METHODS)
def test_proposals_are_distinct_canonical_and_within_the_limits(name: str) -> None:
    found = proposals(name, seed=3)
    assert len(set(found)) == len(found) == 300
    assert all(genes == GOAL.space.canonical(genes) and GOAL.allows(genes) for genes in found)


@pytest.mark.parametrize("name", METHODS)
def test_equal_seeds_give_equal_proposals_and_others_do_not(name: str) -> None:
    assert proposals(name, seed=1, evaluations=90) == proposals(name, seed=1, evaluations=90)
    assert proposals(name, seed=1, evaluations=90) != proposals(name, seed=2, evaluations=90)


def test_nsga2_dominates_more_than_random_search_with_every_seed() -> None:
    seeds = range(20)
    better = [dominated(proposals("nsga2", seed)) > dominated(proposals("random", seed)) for seed in seeds]
    assert sum(better) == len(seeds)


def test_the_paper_s_loop_finds_a_better_optimum_than_random_search() -> None:
    best = {name: max(map(planted_fitness, proposals(name, seed=1))) for name in ("paper", "random")}
    assert best["paper"] > best["random"]


def test_a_small_space_is_enumerated_and_its_front_is_exact() -> None:
    goal = Goal(ToySpace(decisions=4), {"macs": 14.0}, "macs")
    method = create_method("nsga2", goal, population=50, evaluations=3000, seed=1)
    assert isinstance(method, Enumeration)
    found: list[Genes] = []
    while asked := method.ask():
        found += asked
    allowed = [genes for genes in goal.space.enumerate() if goal.allows(genes)]
    assert sorted(found) == sorted(allowed)

    def point(genes: Genes) -> tuple[float, float]:
        return goal.cost(genes), planted_fitness(genes)

    def is_dominated(genes: Genes) -> bool:
        cost, value = point(genes)
        others = map(point, allowed)
        return any(a <= cost and b >= value and (a < cost or b > value) for a, b in others)

    front = {point(genes) for genes in pareto_front(found, point)}
    assert front == {point(genes) for genes in allowed if not is_dominated(genes)}


def test_an_exhausted_space_ends_the_search() -> None:
    goal = Goal(ToySpace(decisions=2), {"macs": 4.0}, "macs")
    method = METHODS["random"](goal, 50, 1)
    first = method.ask()
    method.tell([0.0] * len(first))
    assert 0 < len(first) < 50
    assert method.ask() == []


@pytest.mark.parametrize("name", METHODS)
def test_an_exhausted_space_is_proposed_once_and_within_the_limits(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evolution, "DRAWS", 2000)
    goal = Goal(ToySpace(decisions=3), {"macs": 4.0}, "macs")
    method = METHODS[name](goal, 8, 1)
    found: list[Genes] = []
    while asked := method.ask():
        found += asked
        method.tell([planted_fitness(genes) for genes in asked])
    assert sorted(found) == sorted(genes for genes in goal.space.enumerate() if goal.allows(genes))


@pytest.mark.parametrize("name", METHODS)
def test_limits_that_random_members_exceed_are_met_from_the_smallest_on(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evolution, "DRAWS", 20)
    goal = Goal(ToySpace(), {"macs": 1.0}, "macs")
    assert METHODS[name](goal, 4, 1).ask() == goal.space.smallest()


def test_nsga2_starts_from_the_cheap_end_of_the_front_too() -> None:
    first = METHODS["nsga2"](GOAL, 12, 1).ask()
    assert len(set(first)) == 12
    assert set(GOAL.space.smallest()) <= set(first)


def test_the_hypervolume_equals_moocore_s() -> None:
    moocore = pytest.importorskip("moocore")
    points = [(GOAL.cost(genes), planted_fitness(genes)) for genes in proposals("random", seed=5, evaluations=60)]
    expected = moocore.hypervolume([(cost, -value) for cost, value in points], ref=(60.0, 0.0))
    assert hypervolume(points, (60.0, 0.0)) == pytest.approx(float(expected))


def test_without_pymoo_the_error_names_the_extra() -> None:
    code = (
        "import sys; sys.modules['pymoo'] = None; sys.path.insert(0, 'tests')\n"
        "from toy_search import ToySpace; from evalkit.search.evolution import Goal, create_method\n"
        "create_method('nsga2', Goal(ToySpace(), {}, 'macs'), population=4, evaluations=8, seed=1)"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "pip install 'evalkit-sot[search]'" in answer.stderr
    assert EvalkitError.__name__ in answer.stderr
