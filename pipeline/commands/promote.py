"""Gives an alias to a registered version, and shows how it compares: `python -m pipeline promote NAME VERSION`."""

from collections.abc import Sequence

from pipeline.commands import arguments
from pipeline.commands.register import show


def main(words: Sequence[str]) -> None:
    """The command line."""
    parser = arguments.parser("promote", __doc__)
    parser.add_argument("name", help="of the registered model")
    parser.add_argument("version", help="that is to hold the alias, as in 2, or latest")
    parser.add_argument("--alias", default="champion", help="default: champion")
    arguments.add_store(parser)
    args = parser.parse_args(words)
    from pipeline.track.registry import promote

    with arguments.ends_tidily():
        show(promote(args.name, args.version, args.alias, args.uri))
