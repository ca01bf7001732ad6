"""Search methods by ask and tell: NSGA-II, the loop of the LightTrack paper, random search, enumeration.

A method proposes a generation of new architectures within the limits and is told their values. It depends on its seed
and on what it was told alone, so telling it recorded values repeats a search exactly.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from evalkit.errors import EvalkitError
from evalkit.search.limits import within
from evalkit.search.space import Genes, SearchSpace

MUTATION = 0.1
"""Probability that a mutation draws a gene anew, as in the paper."""
TRIES = 100
"""Attempts to change an architecture into a new one within the limits, before one is drawn at random."""
DRAWS = 20_000
"""Random architectures drawn to find a new one within the limits, before the space counts as exhausted."""


@dataclass(frozen=True)
class Goal:
    """What a search looks for.

    Attributes:
        space: Architectures.
        limits: Largest values of costs by name.
        against: Cost that the front shows the values against.
    """

    space: SearchSpace
    limits: Mapping[str, float]
    against: str

    def allows(self, genes: Genes) -> bool:
        """Return whether canonical genes belong to the space and are within the limits."""
        return self.space.contains(genes) and within(self.space.costs(genes), self.limits)

    def cost(self, genes: Genes) -> float:
        """Return the cost that the front is against."""
        return float(self.space.costs(genes)[self.against])


class Method(Protocol):
    """A search method."""

    def ask(self) -> list[Genes]:
        """Return the next generation: distinct members within the limits; empty if there are no more."""

    def tell(self, values: Sequence[float]) -> None:
        """Take the values of the generation, in its order; higher is better."""


class _Proposals:
    """Draws new members within the limits and remembers what was proposed."""

    def __init__(self, goal: Goal) -> None:
        self.goal = goal
        self.seen: set[Genes] = set()
        self._is_exhausted = False

    def is_new(self, genes: Genes) -> bool:
        return genes not in self.seen and self.goal.allows(genes)

    def add(self, genes: Genes) -> Genes:
        self.seen.add(genes)
        return genes

    def draw(self, random: np.random.Generator) -> Genes | None:
        """Return a new random member and remember it; None if none was found, now or earlier."""
        for _ in range(0 if self._is_exhausted else DRAWS):
            genes = self.goal.space.draw(random)
            if self.is_new(genes):
                return self.add(genes)
        self._is_exhausted = True
        return None

    def generation(self, count: int, make: Callable[[int], Genes | None]) -> list[Genes]:
        """Return up to ``count`` members made one after the other, without those that could not be made."""
        made = (make(index) for index in range(count))
        return [genes for genes in made if genes is not None]

    def first(self, count: int, random: np.random.Generator, *, smallest: int = 0) -> list[Genes]:
        """Return the first generation: the center of the space if it is allowed, and random members.

        Where limits are too low for random members, the smallest members take their places.

        Args:
            count: Number of members.
            random: Draws the random members.
            smallest: Number of smallest members that take places of random ones in any case, the cheapest first.
        """
        space = self.goal.space
        center = [] if space.center is None else [space.center]
        start = [self.add(genes) for genes in center if self.is_new(genes)]
        start += self._smallest(min(smallest, count - len(start)))
        start += self.generation(count - len(start), lambda index: self.draw(random))
        return [*start, *self._smallest(count - len(start))]

    def _smallest(self, count: int) -> list[Genes]:
        new = dict.fromkeys(genes for genes in self.goal.space.smallest() if self.is_new(genes))
        return [self.add(genes) for genes in sorted(new, key=self.goal.cost)[:count]]


class RandomSearch:
    """Random members of the space, ``population`` at a time."""

    def __init__(self, goal: Goal, population: int, seed: int) -> None:
        self._proposals = _Proposals(goal)
        self._population = population
        self._random = np.random.default_rng(seed)

    def ask(self) -> list[Genes]:
        """Return new random members."""
        if not self._proposals.seen:
            return self._proposals.first(self._population, self._random)
        return self._proposals.generation(self._population, lambda index: self._proposals.draw(self._random))

    def tell(self, values: Sequence[float]) -> None:
        """Ignore the values."""


class PaperSearch:
    """The evolution of LightTrack and SPOS, with one objective.

    The best ten of all evaluated are the parents. Half of a generation are mutants, the other half crossovers of two
    parents group by group; what is no new member within the limits after ten tries is replaced by a random member.
    Source: search_DP_advanced.py of dingguodong-826/lighttrack at 5f23381.
    """

    PARENTS = 10
    TRIES = 10

    def __init__(self, goal: Goal, population: int, seed: int) -> None:
        self._proposals = _Proposals(goal)
        self._population = population
        self._random = np.random.default_rng(seed)
        self._evaluated: list[tuple[float, Genes]] = []
        self._asked: list[Genes] = []

    def ask(self) -> list[Genes]:
        """Return the next generation."""
        if not self._evaluated:
            self._asked = self._proposals.first(self._population, self._random)
        else:
            parents = [genes for _, genes in self._evaluated[: self.PARENTS]]
            self._asked = self._proposals.generation(self._population, lambda index: self._child(index, parents))
        return self._asked

    def tell(self, values: Sequence[float]) -> None:
        """Sort everything evaluated so far by value; of equal values, the earlier is first."""
        self._evaluated += zip(values, self._asked, strict=True)
        self._evaluated.sort(key=lambda pair: -pair[0])

    def _child(self, index: int, parents: list[Genes]) -> Genes | None:
        space, random = self._proposals.goal.space, self._random
        for _ in range(self.TRIES):
            if index % 2 == 0 or len(parents) == 1:
                child = mutate(space, parents[random.integers(len(parents))], random)
            else:
                pair = [parents[place] for place in random.choice(len(parents), 2, replace=False)]
                child = cross(space, pair[0], pair[1], random)
            if self._proposals.is_new(child):
                return self._proposals.add(child)
        return self._proposals.draw(random)


class Enumeration:
    """Every member within the limits, for spaces that are not larger than the number of evaluations."""

    def __init__(self, goal: Goal, population: int, seed: int) -> None:
        self._waiting = [genes for genes in goal.space.enumerate() if goal.allows(genes)]
        self._population = population

    def ask(self) -> list[Genes]:
        """Return the next members."""
        generation, self._waiting = self._waiting[: self._population], self._waiting[self._population :]
        return generation

    def tell(self, values: Sequence[float]) -> None:
        """Ignore the values."""


class Nsga2:
    """NSGA-II of pymoo, with cost and value as objectives.

    Up to a quarter of the first generation are the smallest members: random members are of medium size, and few
    generations of them do not reach the cheap end of the front. Limits are kept by redrawing, so that no evaluation is
    spent on an architecture that exceeds them.
    """

    def __init__(self, goal: Goal, population: int, seed: int) -> None:
        self._goal = goal
        self._proposals = _Proposals(goal)
        self._population = population
        self._algorithm, self._problem = _nsga2(self._proposals, population, seed)
        self._asked: Any = None

    def ask(self) -> list[Genes]:
        """Return the next generation, without the rows for which no new member was found."""
        known = set(self._proposals.seen)
        self._asked = self._algorithm.ask()
        if self._asked is None:
            return []
        new = self._proposals.seen - known
        self._asked = self._asked[[genes in new for genes in _genes_of(self._asked)]]
        return _genes_of(self._asked)

    def tell(self, values: Sequence[float]) -> None:
        """Let pymoo select the parents of the next generation."""
        from pymoo.core.evaluator import Evaluator
        from pymoo.problems.static import StaticProblem

        costs = [self._goal.cost(genes) for genes in _genes_of(self._asked)]
        objectives = np.column_stack([costs, np.negative(values)])
        Evaluator().eval(StaticProblem(self._problem, F=objectives), self._asked)
        self._algorithm.tell(infills=self._asked)


METHODS: Mapping[str, Callable[[Goal, int, int], Method]] = {
    "nsga2": Nsga2,
    "paper": PaperSearch,
    "random": RandomSearch,
}
"""Search methods by name."""


def create_method(name: str, goal: Goal, *, population: int, evaluations: int, seed: int) -> Method:
    """Return a search method; a space that is not larger than the number of evaluations is enumerated instead.

    Raises:
        EvalkitError: The method needs a package that is not installed.
    """
    if goal.space.size() <= evaluations:
        return Enumeration(goal, population, seed)
    try:
        return METHODS[name](goal, population, seed)
    except ModuleNotFoundError as error:
        raise EvalkitError(
            f"this method needs {error.name}, which is not installed", where=f"--method {name}",
            hint="Run `pip install 'evalkit-sot[search]'`, or choose --method paper",
        ) from error  # fmt: skip


def mutate(space: SearchSpace, genes: Genes, random: np.random.Generator) -> Genes:
    """Return canonical genes, each of which is drawn anew with probability ``MUTATION``."""
    drawn = random.integers(0, space.choices)
    changed = random.random(len(genes)) < MUTATION
    return space.canonical(tuple(np.where(changed, drawn, genes)))


def cross(space: SearchSpace, one: Genes, other: Genes, random: np.random.Generator) -> Genes:
    """Return canonical genes of which each group comes from one of two parents."""
    child = list(one)
    for group in space.groups:
        if random.random() < 0.5:
            child[group] = other[group]
    return space.canonical(tuple(child))


def _nsga2(proposals: _Proposals, population: int, seed: int) -> tuple[Any, Any]:
    from pymoo.algorithms.moo.nsga2 import NSGA2
    from pymoo.core.crossover import Crossover
    from pymoo.core.mutation import Mutation
    from pymoo.core.problem import Problem
    from pymoo.core.repair import Repair
    from pymoo.core.sampling import Sampling

    space = proposals.goal.space

    class FirstGeneration(Sampling):  # type: ignore[misc]
        def _do(self, problem: Any, n_samples: int, *args: Any, random_state: Any = None, **kwargs: Any) -> Any:
            return np.array(proposals.first(n_samples, random_state, smallest=n_samples // 4))

    class GroupCrossover(Crossover):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(2, 1, prob=0.9)

        def _do(self, problem: Any, parents: Any, *args: Any, random_state: Any = None, **kwargs: Any) -> Any:
            _, matings, length = parents.shape
            children = [cross(space, tuple(a), tuple(b), random_state) for a, b in zip(*parents, strict=True)]
            return np.array(children).reshape(1, matings, length)

    class GeneMutation(Mutation):  # type: ignore[misc]
        def _do(self, problem: Any, rows: Any, *args: Any, random_state: Any = None, **kwargs: Any) -> Any:
            rate = max(2 / rows.shape[1], MUTATION / 2)
            drawn = random_state.integers(0, space.choices, size=rows.shape)
            return np.where(random_state.random(rows.shape) < rate, drawn, rows)

    class NewWithinLimits(Repair):  # type: ignore[misc]
        def _do(self, problem: Any, rows: Any, algorithm: Any = None, random_state: Any = None, **kwargs: Any) -> Any:
            if algorithm is None or not algorithm.is_initialized:
                return rows  # the first generation is new and within the limits already
            return np.array([_make_new(proposals, tuple(row), random_state) for row in rows])

    problem = Problem(
        n_var=len(space.choices), n_obj=2, xl=np.zeros(len(space.choices)), xu=np.array(space.choices) - 1, vtype=int
    )
    algorithm = NSGA2(
        pop_size=population, sampling=FirstGeneration(), crossover=GroupCrossover(), mutation=GeneMutation(),
        repair=NewWithinLimits(), eliminate_duplicates=True,
    )  # fmt: skip
    algorithm.setup(problem, seed=seed, termination=("n_gen", math.inf), verbose=False)
    return algorithm, problem


def _genes_of(population: Any) -> list[Genes]:
    return [tuple(map(int, row)) for row in population.get("X")]


def _make_new(proposals: _Proposals, genes: Genes, random: np.random.Generator) -> Genes:
    """Return the genes, or mutants of them, or a random member: the first that is new and within the limits.

    If there is none, the last mutant is returned, but not remembered as proposed.
    """
    space = proposals.goal.space
    child = space.canonical(genes)
    for _ in range(TRIES):
        if proposals.is_new(child):
            return proposals.add(child)
        child = mutate(space, genes, random)
    drawn = proposals.draw(random)
    return child if drawn is None else drawn
