"""One module per command, in a room per group of `fedrl --help`."""
