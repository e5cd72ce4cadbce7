"""Gives an alias to a registered version, and shows how it compares: `python -m pipeline.promote NAME VERSION`."""

from pipeline import commands


def main() -> None:
    """The command line."""
    parser = commands.parser("promote", __doc__)
    parser.add_argument("name", help="of the registered model")
    parser.add_argument("version", help="that is to hold the alias, as in 2, or latest")
    parser.add_argument("--alias", default="champion", help="default: champion")
    commands.add_store(parser)
    args = parser.parse_args()
    from pipeline import show
    from pipeline.track.registry import promote

    with commands.ends_tidily():
        show.registered(promote(args.name, args.version, args.alias, args.uri))


if __name__ == "__main__":
    main()
