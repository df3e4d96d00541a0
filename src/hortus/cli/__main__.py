"""`python -m hortus.cli`: the same as `hortus`."""

from hortus.cli.root import main

main()
