"""This machine: its speed, its versions, the state of its folders."""
