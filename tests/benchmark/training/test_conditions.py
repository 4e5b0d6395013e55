"""Laws of noise, cliff and drift: the distributions, the jump, the way back, and bits."""

from __future__ import annotations

import math

import numpy as np
import pytest
from pydantic import ValidationError
from scipy import integrate, stats

from fedrl.algorithms import ALGORITHMS
from fedrl.algorithms.estimators.policy import TabularSoftmax
from fedrl.benchmark.config.conditions import Drift, Normal, Pareto, RewardCliff, StudentT
from fedrl.benchmark.config.configuration import Config, Run
from fedrl.benchmark.config.seeds import Seed
from fedrl.benchmark.training import federation
from fedrl.benchmark.training.disturbance import charged, noisy
from fedrl.benchmark.training.evaluate import evaluate
from fedrl.benchmark.training.federation import train
from fedrl.benchmark.training.noise import uniform_lanes
from fedrl.benchmark.training.rollout import Episodes, Sampler, Stream
from fedrl.envs import FAMILIES
from fedrl.envs.finite.tabular import Tabular

NOISES = {
    "heavy": StudentT(degrees=1.5),
    "student-t": StudentT(degrees=4.0),
    "pareto": Pareto(index=1.5),
    "normal": Normal(),
}
EXACT = {
    "heavy": stats.t(1.5),
    "student-t": stats.t(4.0),
    "pareto": stats.pareto(1.5, loc=-3.0),
    "normal": stats.norm(),
}
CONDITIONS = {
    "noise": {"reward_noise": {"distribution": "student-t", "degrees": 1.5, "scale": 0.3}},
    "one-sided": {"reward_noise": {"distribution": "pareto", "index": 1.5, "scale": 0.3}},
    "cliff": {"reward_cliff": {"height": 0.5, "threshold": 0.21}},
    "drift": {"drift": {"period": 4, "amplitude": 0.8}},
}
EVERYTHING = {name: value for table in CONDITIONS.values() for name, value in table.items()}
NOTHING = {
    "student-t": {"reward_noise": {"distribution": "student-t", "scale": 0}},
    "pareto": {"reward_noise": {"distribution": "pareto", "scale": 0}},
    "normal": {"reward_noise": {"distribution": "normal", "scale": 0}},
    "cliff": {"reward_cliff": {"height": 0, "threshold": 0.21}},
    "drift": {"drift": {"period": 4, "amplitude": 0}},
}
FAMILY_SETTINGS = {
    "random-mdp": {"options": {"horizon": 8}, "step_size": 0.3},
    "gridworld": {"options": {"horizon": 12}, "step_size": 0.3},
    "cartpole": {"options": {"horizon": 30}, "step_size": 0.005},
    "halfcheetah": {
        "options": {"horizon": 6},
        "step_size": 0.001,
        "hidden": (4, 4),
        "dtype": "float64",  # whose kernels other tests compile as well
    },
}
LEDGER = ("steps_total", "trajectories_total", "floats_up", "floats_down")


def make(family="random-mdp", algorithm="fedsvrpg-m", **changes) -> Config:
    common = {
        "family": family,
        "algorithm": algorithm,
        "kappa": 0.6,
        "agents": 3,
        "rounds": 4,
        "local_steps": 2,
        "episodes": 2,
        "evaluate_every": 1,
        "evaluation_episodes": 2,
        "initial_momentum": "batch",
        "initial_episodes": 2,
    }
    return Config(**{**common, **FAMILY_SETTINGS[family], **changes})


def one(config: Config, seed: int = 0, **more):
    return train([Run(config, Seed("test", seed))], **more)[0]


def states_of(run):
    states = []
    (result,) = train([run], on_state=lambda run, state: states.append(state))
    return result, states


def assert_same(result, other):
    assert result.columns.keys() == other.columns.keys()
    for name, column in result.columns.items():
        np.testing.assert_array_equal(column, other.columns[name], err_msg=name)


def numbers(noise, count=200_000):
    """Numbers of scale 1 from one stream."""
    uniform = np.empty((count // 100, 200))
    keys = np.array([Seed("test", 3).key("reward-noise-test")], np.uint64)
    uniform_lanes(uniform, keys, np.zeros(1, np.int64), 0, len(uniform), 0)
    pairs = uniform.reshape(-1, 2).tolist()
    return np.array([noise.draw(1 - u, v, noise.tail) for u, v in pairs])


# --- noise ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NOISES)
def test_noise_has_the_distribution_it_names(name):
    """Kolmogorov and Smirnov: the largest distance of distribution functions, at 200 000 numbers.

    The distance exceeds 2/√n with probability 7e-4 if the distribution is the right one.
    """
    sample = numbers(NOISES[name])
    assert stats.kstest(sample, EXACT[name].cdf).statistic < 2 / math.sqrt(len(sample))


@pytest.mark.parametrize("name", ["student-t", "normal"])
def test_the_mean_is_zero_by_simulation(name):
    sample = numbers(NOISES[name])
    assert abs(sample.mean()) < 4 * EXACT[name].std() / math.sqrt(len(sample))


@pytest.mark.parametrize("degrees", [1.01, 1.5, 2.0, 30.0])
def test_the_mean_of_symmetric_noise_is_zero_exactly(degrees):
    """Turned by half a circle, v gives the opposite number, whatever the variance is."""
    for u in (1e-16, 1e-3, 0.3, 1.0):
        for v in (0.0, 0.1, 0.26, 0.49):
            for noise in (StudentT(degrees=degrees), Normal()):
                there, back = (noise.draw(u, w, noise.tail) for w in (v, v + 0.5))
                assert there == pytest.approx(-back, rel=1e-12, abs=1e-12 * (1 + abs(there)))


@pytest.mark.parametrize("index", [1.5, 2.0, 5.0])
def test_the_mean_of_one_sided_noise_is_zero_exactly(index):
    noise = Pareto(index=index)
    # u = x^5 tames the pole at zero
    mean, _ = integrate.quad(lambda x: noise.draw(x**5, 0.0, index) * 5 * x**4, 1e-12, 1)
    assert mean == pytest.approx(0, abs=1e-7)


def test_tails_have_the_index_they_name():
    """P(Y > y) = y^-α of Pareto; P(R > r) = (1 + r²/ν)^(-ν/2), the radius of a bivariate t."""
    for index in (1.2, 2.0, 3.5):
        for far in (1.5, 1e2, 1e4):
            assert Pareto(index=index).draw(far**-index, 0.0, index) == pytest.approx(
                far - index / (index - 1)
            )
            u = (1 + far**2 / index) ** (-index / 2)
            assert StudentT(degrees=index).draw(u, 0.0, index) == pytest.approx(far, rel=1e-6)


@pytest.mark.parametrize("name", ["heavy", "pareto"])
def test_the_tail_index_by_simulation(name):
    """Hill's estimator from the largest 500 of 200 000 numbers; its relative error is 1/√500."""
    largest = np.sort(numbers(NOISES[name]))[-501:]
    hill = 1 / np.mean(np.log(largest[1:] / largest[0]))
    assert hill == pytest.approx(NOISES[name].tail, rel=4 / math.sqrt(500))


def test_the_normal_is_the_limit_of_many_degrees():
    for u in (1e-12, 0.2, 0.9):
        assert StudentT(degrees=1e9).draw(u, 0.1, 1e9) == pytest.approx(
            Normal().draw(u, 0.1, math.inf)
        )


def test_noise_depends_on_the_lane_only_and_reaches_real_steps_only():
    keys = np.array([Seed("test", index).key("a") for index in range(3)], np.uint64)
    agents = np.array([0, 4, 2])
    length = np.array([[3, 1], [5, 5], [2, 4]])
    reward = np.arange(30.0).reshape(3, 2, 5)
    end = (np.zeros((3, 2, 1)), np.zeros((3, 2), bool))
    played = Episodes(*(np.zeros((3, 2, 5, 1)),) * 2, reward, reward, length, *end)
    noise = Pareto(index=1.3, scale=2.0)
    together = noisy(noise, played, Stream(keys, agents, 7))
    taken = np.arange(5) < length[..., None]
    assert ((together.reward != reward) == taken).all()
    for lane in range(3):
        alone = Episodes(*(part[lane : lane + 1] for part in played))
        stream = Stream(keys[lane : lane + 1], agents[lane : lane + 1], 7)
        np.testing.assert_array_equal(
            noisy(noise, alone, stream).reward[0], together.reward[lane], strict=True
        )
    for name in ("observation", "action", "log_prob", "length"):
        assert getattr(together, name) is getattr(played, name)
    other = noisy(noise, played, Stream(keys, agents, 8)).reward
    assert (other[taken] != together.reward[taken]).all()


# --- cliff ----------------------------------------------------------------------------------------


def table(family, *, probability, state=0, action=0):
    """Logits whose policy is uniform but for π(action|state) = probability."""
    theta = np.zeros((family.states, family.actions))
    theta[state, action] = math.log(probability / (1 - probability) * (family.actions - 1))
    return theta.reshape(1, -1)


def scores(family, task, theta, cliff=None):
    agents = len(task.reward)
    stream = Stream(np.zeros(agents, np.uint64), np.arange(agents), 0)
    policy = TabularSoftmax(*task.reward.shape[1:])
    return evaluate(family, Sampler(family, policy, task), theta, stream, 1, cliff)


def test_the_objective_jumps_by_the_height_times_the_occupancy():
    """J_i just below and just above the threshold: height · Σ_h γ^h P(s_h = s) π(a|s) apart."""
    family = FAMILIES["random-mdp"](horizon=9)
    task = family.sample(4, 0.5, np.random.default_rng(1))
    cliff = RewardCliff(height=2.0, threshold=0.7)
    below, above = (table(family, probability=0.7 + e) for e in (-1e-9, 1e-9))
    jump = (
        scores(family, task, below, cliff).objective - scores(family, task, above, cliff).objective
    )
    smooth = scores(family, task, below).objective - scores(family, task, above).objective
    bonus = np.zeros_like(task.reward)
    bonus[:, 0, 0] = 1.0  # its value is the discounted number of visits to (0, 0)
    visits = scores(family, task._replace(reward=bonus), below).objective
    assert np.abs(smooth).max() < 1e-7
    np.testing.assert_allclose(jump, 2.0 * visits, rtol=1e-6)
    assert visits.min() > 0.1


def test_stationarity_is_that_of_the_gradient_between_jumps():
    """‖∇J‖² by central differences of the charged J at a point away from every threshold."""
    family = FAMILIES["random-mdp"](horizon=6, size=3, choices=2)
    task = family.sample(3, 0.5, np.random.default_rng(2))
    cliff = RewardCliff(height=1.5, threshold=0.6)
    theta = np.random.default_rng(3).normal(size=(1, 6))
    slopes = []
    for place in np.eye(6):
        ends = [scores(family, task, theta + e * place, cliff).objective for e in (1e-5, -1e-5)]
        slopes.append((ends[0] - ends[1]).mean() / 2e-5)
    stationarity = scores(family, task, theta, cliff).stationarity[0]
    assert stationarity == pytest.approx(sum(s * s for s in slopes), rel=1e-6)
    assert stationarity != pytest.approx(scores(family, task, theta).stationarity[0], rel=1e-2)


@pytest.mark.parametrize("name", ["random-mdp", "gridworld"])
def test_episodes_are_charged_what_exact_values_say(name):
    """Simulation: mean charged return of 20 000 episodes within 4 standard errors of J_i."""
    config = Config(family=name, algorithm="fedpg", options={"horizon": 20}, kappa=0.7)
    family, policy = config.build_family(), config.build_policy()
    task = family.sample(2, 0.7, np.random.default_rng(4))
    theta = np.random.default_rng(5).normal(size=(1, policy.size)) * 1.5
    cliff = RewardCliff(height=0.8, threshold=0.55)
    keys = np.full(2, Seed("test", 0).key("simulation"), np.uint64)
    sampler = Sampler(family, policy, task)
    played = sampler.sample(np.repeat(theta, 2, axis=0), Stream(keys, np.arange(2), 0), 20_000)
    returns = charged(cliff, played).returns(family.discount)
    exact = scores(family, task, theta, cliff).objective[0]
    error = returns.std(axis=1) / math.sqrt(returns.shape[1])
    assert (np.abs(returns.mean(axis=1) - exact) < 4 * error).all()
    undisturbed = scores(family, task, theta).objective[0]
    assert (np.abs(returns.mean(axis=1) - undisturbed) > 8 * error).all()


def test_probabilities_of_discrete_actions_cannot_exceed_one():
    with pytest.raises(ValueError, match="a probability below 1"):
        make(reward_cliff={"height": 1.0, "threshold": 1.0})
    steep = {"height": 1.0, "threshold": 1.5}  # a density may well be above 1
    assert make("halfcheetah", reward_cliff=steep).reward_cliff == RewardCliff(**steep)


# --- drift ----------------------------------------------------------------------------------------


def test_the_share_begins_at_zero_and_returns_after_every_period():
    drift = Drift(period=12, amplitude=0.8)
    shares = [drift.share(number) for number in range(37)]
    assert shares[0] == shares[12] == shares[24] == shares[36] == 0.0
    assert shares[6] == max(shares) == 0.8
    assert shares[1] == pytest.approx(0.4 * (1 - math.cos(math.pi / 6)))
    held = Drift(period=12, amplitude=0.8, every=3)
    assert [held.share(number) for number in range(37)] == [
        shares[number // 3 * 3] for number in range(37)
    ]


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_every_family_can_be_between_two_draws(name):
    """At 0 it is the first draw, between equals too, and half way is the same from both ends."""
    family = FAMILIES[name]()
    near, far = (family.sample(2, 0.8, np.random.default_rng(seed)) for seed in (0, 1))

    def described(task):
        if isinstance(family, Tabular):
            return {"kernel": task.kernel, "reward": task.reward, "start": task.start}
        return task._asdict()

    for same, exactly in ((far, 0.0), (near, 0.37)):
        for field, values in described(family.between(near, same, exactly)).items():
            tolerance = 1e-15 if exactly else 0.0
            np.testing.assert_allclose(values, described(near)[field], rtol=tolerance)
    half = described(family.between(near, far, 0.5))
    back = described(family.between(far, near, 0.5))
    moved = 0
    for field, values in half.items():
        np.testing.assert_allclose(values, back[field], rtol=1e-12, atol=1e-15)
        low = np.minimum(described(near)[field], described(far)[field])
        high = np.maximum(described(near)[field], described(far)[field])
        assert ((values >= low - 1e-15) & (values <= high + 1e-15)).all()
        moved += int((values != described(near)[field]).any())
    assert moved > 0
    if isinstance(family, Tabular):
        np.testing.assert_allclose(half["kernel"].sum(axis=-1), 1.0, rtol=1e-12)


def test_drift_moves_the_scores_and_brings_them_back():
    """A policy that does not learn: its J goes with the MDPs, and comes back to the last bit."""
    still = make(algorithm="fedpg", rounds=8, step_size=1e-300, drift={"period": 4})
    objective = one(still).columns["objective"]
    assert objective[0] == objective[4] == objective[8]
    assert objective[1] == pytest.approx(objective[3], rel=1e-12)
    assert objective[1] == pytest.approx((objective[0] + objective[2]) / 2, rel=0.1)
    assert abs(objective[2] - objective[0]) > 0.02
    held = one(make(algorithm="fedpg", rounds=8, step_size=1e-300, drift={"period": 4, "every": 2}))
    steps = objective[[0, 0, 2, 2, 0, 0, 2, 2, 0]]
    np.testing.assert_array_equal(held.columns["objective"], steps)


# --- runs -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("condition", NOTHING)
@pytest.mark.parametrize("family", ["random-mdp", "cartpole"])
def test_nothing_of_a_condition_is_no_condition(family, condition):
    assert_same(one(make(family)), one(make(family, **NOTHING[condition])))


# One for each way of stepping and of learning; with the others it takes long.
FEELING = (
    *("fedpg", "fedsvrpg-m", "fedhapg-m", "mfpo", "scaffold-pg", "fednpg", "fedtrpo", "fedppo"),
    *("afedpg", "malenia-nigt", "qavg", "qavg-sampled", "fedsarsa"),
)


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize(
    "algorithm",
    [
        pytest.param(name, marks=() if name in FEELING else pytest.mark.long)
        for name in sorted(ALGORITHMS)
    ],
)
def test_every_algorithm_under_every_condition(algorithm, condition):
    """The condition is felt, the ledger is not changed: it counts steps, not rewards."""
    calm = one(make(algorithm=algorithm)).columns
    if ALGORITHMS[algorithm].model_based and condition != "drift":
        with pytest.raises(ValidationError, match="no episodes"):  # nor rewards to disturb
            make(algorithm=algorithm, **CONDITIONS[condition])
        return
    felt = one(make(algorithm=algorithm, **CONDITIONS[condition])).columns
    assert np.isfinite(felt["objective"]).all()
    # A cliff is met once a probability has crossed its threshold: not always in the first round.
    # A greedy policy may be the same all the same: then the Q that it is greedy for is another one.
    told = [name for name in ("objective", "value_error") if name in felt]
    assert any(felt[name][-1] != calm[name][-1] for name in told)
    for name in LEDGER:
        np.testing.assert_array_equal(felt[name], calm[name])


@pytest.mark.parametrize("condition", ["noise", "one-sided"])
def test_scores_are_free_of_noise(condition):
    """Before any update, and for a policy that does not learn, scores are the undisturbed ones."""
    for family in ("random-mdp", "cartpole"):
        calm = one(make(family, step_size=1e-30)).columns
        felt = one(make(family, step_size=1e-30, **CONDITIONS[condition])).columns
        for name in ("objective", "return", "random", *LEDGER):
            np.testing.assert_array_equal(felt[name], calm[name])


@pytest.mark.parametrize("family", sorted(FAMILY_SETTINGS))
def test_the_same_bits_alone_in_a_batch_and_resumed(family, monkeypatch):
    monkeypatch.setattr(federation, "SAVE_EVERY", 0.0)
    configs = [make(family, **EVERYTHING), make(family, **EVERYTHING, kappa=0.3)]
    runs = [Run(config, Seed("test", seed)) for config in configs for seed in (0, 5)]
    together = train(runs)
    for place in (0, 3):
        alone, states = states_of(runs[place])
        assert_same(alone, together[place])
        for state in states:
            assert_same(train([runs[place]], states=[state])[0], together[place])
    backwards = train(runs[::-1])[::-1]
    for result, other in zip(backwards, together, strict=True):
        assert_same(result, other)


def test_conditions_are_part_of_a_configs_identity():
    configs = [make()] + [make(**table) for table in (*CONDITIONS.values(), *NOTHING.values())]
    assert (
        len({config.id for config in configs})
        == len({config.program for config in configs})
        == len(configs)
    )
    for config in configs:
        assert Config.model_validate_json(config.model_dump_json()) == config
    whole = {"distribution": "student-t", "degrees": 2, "scale": 1}
    spelt = make(reward_noise={"distribution": "student-t"})
    assert make(reward_noise=whole).id == spelt.id


def test_the_reference_says_what_it_does_not_know():
    """It is the one of the undisturbed problem, whatever the conditions are."""
    calm, felt = (one(make(**table)).columns for table in ({}, EVERYTHING))
    np.testing.assert_array_equal(felt["reference"], calm["reference"])
    meaning = calm["reference_meaning"][0]
    assert felt["reference_meaning"][0] == f"{meaning}, without the cliff, before any drift"
