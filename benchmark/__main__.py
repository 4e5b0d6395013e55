"""`python -m benchmark` is the command `fedrl`."""

from benchmark.cli import main

if __name__ == "__main__":
    main()
