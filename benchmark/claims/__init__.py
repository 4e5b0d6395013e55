"""Claims of papers as data, and what published records say of them: shown, refuted, undecided."""
