"""All that decides a run's numbers: the federated loop, episodes, scores, the ledger."""
