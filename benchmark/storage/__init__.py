"""Results as files, whole or not at all: run keys, manifests, parameters, merging."""
