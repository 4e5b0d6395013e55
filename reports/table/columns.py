"""The contract of the tidy table: names of its columns, what they are called and their symbols.

One row per evaluation point. Whoever writes records and whoever reads them take the names from
here, except for training, whose own names a test compares with these.
"""

IDENTITY = ("study", "family", "kappa", "algorithm", "agents", "seed", "cell")
PROGRESS = (
    *("round", "steps_per_agent", "trajectories_per_agent", "steps_total", "trajectories_total"),
    *("floats_up", "floats_down", "seconds"),
)
OUTCOME = (
    *("objective", "return", "return_worst", "return_best", "stationarity"),
    *("diverged", "diverged_round"),
)
SCORING = ("metric", "reference", "reference_meaning", "random")
REQUIRED = (*IDENTITY, *PROGRESS, *OUTCOME, *SCORING)

# These may be there.
COUNTED = ("bits_up", "bits_down", "simulated_seconds", "epsilon")  # bits are per agent
HETEROGENEITY = "heterogeneity"  # ζ², where it was computed
THEORY_EXPONENT = "theory_exponent"  # ρ of the rate O(ε^−ρ) that the algorithm's paper claims
VALUE_ERROR = "value_error"  # of algorithms that estimate Q
AGENT = "agent_score_"  # prefix of the score of every agent
DIAGNOSTIC = "diagnostic_"  # prefix of what was seen inside a round
COORDINATE = "design_"  # prefix of the coordinates of a design, by hyperparameter
SCHEDULE = "schedule_"  # prefix of the constants of a schedule

MEANINGS = {  # what `fedrl records --describe` and the documentation say
    "study": "name of the study",
    "family": "environment family",
    "kappa": "level of heterogeneity κ, 0 for identical agents",
    "algorithm": "registered name of the algorithm",
    "agents": "number of agents N",
    "seed": "index of the seed; equal seeds have common random numbers in all settings",
    "cell": "id of the configuration, the same for all of its seeds",
    "round": "communication rounds done at this evaluation point",
    "steps_per_agent": "environment steps of training so far, mean over agents",
    "trajectories_per_agent": "episodes of training so far, mean over agents",
    "steps_total": "environment steps of training so far, all agents",
    "trajectories_total": "episodes of training so far, all agents",
    "floats_up": "numbers one agent has sent to the server so far",
    "floats_down": "numbers one agent has received from the server so far",
    "seconds": "wall seconds so far, a batch's shared equally by its runs; no two machines agree",
    "objective": "discounted objective J, mean over agents",
    "return": "undiscounted return, mean over agents",
    "return_worst": "undiscounted return of the agent that has least",
    "return_best": "undiscounted return of the agent that has most",
    "stationarity": "squared norm of the exact gradient of J, where it is known",
    "diverged": "whether the run met a number that is not finite",
    "diverged_round": "the round in which it did",
    "metric": "column the family is scored by, objective or return",
    "reference": "score to be reached",
    "reference_meaning": "what the reference is",
    "random": "score of the uniformly random policy",
    "bits_up": "bits one agent has sent to the server so far, after compression",
    "bits_down": "bits one agent has received from the server so far",
    "simulated_seconds": "time the study's clock says has passed",
    "epsilon": "ε of differential privacy that is spent so far, at the study's δ",
    VALUE_ERROR: "largest error of an estimate of Q, mean over the agents' own",
    HETEROGENEITY: "ζ², spread of the agents' gradients",
    THEORY_EXPONENT: "ρ of the rate O(ε^−ρ) that the algorithm's paper claims",
}
SUMMARIES = {  # columns over all settings, in leaderboard.csv and standing.csv of a report
    "area": "mean height of the scaled curve up to the common budget, interquartile mean over runs",
    "final": "scaled final score, interquartile mean over runs",
    "behind": "area of the first minus this one's, within seeds",
    "rank_by_steps": "mean rank by steps to every ε that some run reached, 1 is best",
    "rank_by_final": "mean rank by final score, 1 is best",
    "gap_final": "mean over runs of max(1 − scaled final score, 0)",
    "gap_area": "mean over runs of max(1 − area of the run, 0)",
}
OTHERS = {  # by how they begin
    AGENT: "the agent whose score this is",
    DIAGNOSTIC: "measured inside the round before this evaluation point",
    COORDINATE: "coordinate of the study's design",
    SCHEDULE: "constant of the study's schedule",
}


def meaning(name: str) -> str:
    """A column in words; what is neither measured nor named here is a setting."""
    for start, words in OTHERS.items():
        if name.startswith(start):
            return f"{name.removeprefix(start).replace('_', ' ')}, {words}"
    known = MEANINGS | SUMMARIES
    return known.get(name, "setting of the configuration, empty where it does not apply")


METRICS = {name: MEANINGS[name] for name in ("objective", "return")}  # scores, and their units
SYMBOLS = {  # of settings in the equations
    "agents": "N",
    "local_steps": "K",
    "episodes": "B",
    "horizon": "T",
    "rounds": "R",
    "discount": "γ",
    "step_size": "η",
    "server_step_size": "λ",
    "initial_momentum": "u₀",
    "beta": "β",
    "alpha": "α",
    "mu": "μ",
    "tau": "τ",
    f"{SCHEDULE}smoothness": "L",
    f"{SCHEDULE}signal": "s",
}
LETTERS = {"γ": "gamma", "η": "eta", "λ": "lambda", "β": "beta", "α": "alpha", "μ": "mu"}
LETTERS |= {"τ": "tau", "u₀": "u0"}


def typed(name: str) -> str:
    """The symbol of a setting as it is typed, eta for η; a setting without one by its name."""
    symbol = SYMBOLS.get(name, name)
    return LETTERS.get(symbol, symbol)
