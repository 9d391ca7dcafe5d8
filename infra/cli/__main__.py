"""`python -m infra.cli`: the same as the console script, for the processes that we start."""

from infra.cli import main

if __name__ == "__main__":
    main(prog_name="antiphon")
