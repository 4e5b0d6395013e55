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
AGENT = "agent_score_"  # prefix of the score of every agent
DIAGNOSTIC = "diagnostic_"  # prefix of what was seen inside a round
COORDINATE = "design_"  # prefix of the coordinates of a design, by hyperparameter

METRICS = {  # what a family is scored by, and its unit
    "objective": "discounted objective J, mean over agents",
    "return": "undiscounted return, mean over agents",
}
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
}
LETTERS = {"γ": "gamma", "η": "eta", "λ": "lambda", "β": "beta", "α": "alpha", "μ": "mu"}
LETTERS |= {"τ": "tau", "u₀": "u0"}


def typed(name: str) -> str:
    """The symbol of a setting as it is typed, eta for η; a setting without one by its name."""
    symbol = SYMBOLS.get(name, name)
    return LETTERS.get(symbol, symbol)
