"""Registers the model of a run: `python -m pipeline.register MODEL NAME [--alias champion] [--force]`."""

from pipeline import commands

EPILOG = """\
MODEL is a run id, runs:/ID or best:EXPERIMENT.

It is compared with the version that holds the alias (without --alias: champion) by that version's validation
objective, and refused if it is worse, or if the two did not see the same rows.

example:
  python -m pipeline.register best:california houses --alias champion
"""


def main() -> None:
    """The command line."""
    parser = commands.parser("register", __doc__, EPILOG)
    parser.add_argument("model", help="what names the run, see below")
    parser.add_argument("name", help="to register it under")
    parser.add_argument("--alias", help="that it is to hold, as in champion; default: none")
    parser.add_argument("--force", action="store_true", help="register it though it is worse, or does not compare")
    commands.add_store(parser)
    args = parser.parse_args()
    from pipeline import show
    from pipeline.track.registry import register

    with commands.ends_tidily():
        show.registered(register(args.model, args.name, args.alias, args.force, args.uri))


if __name__ == "__main__":
    main()
