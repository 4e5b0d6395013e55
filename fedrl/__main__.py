"""`python -m fedrl` is the command `fedrl`."""

from fedrl.benchmark.cli.main import main

if __name__ == "__main__":
    main()
