"""Reads tables whose columns have types: Parquet files and databases."""

import gzip
import re
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pipeline.config.rules import Data
from pipeline.data.reading.column_types import tidied
from pipeline.data.reading.notation import marks_of
from pipeline.data.reading.overrides import dropping
from pipeline.errors import DataError

if TYPE_CHECKING:
    from sqlalchemy import URL

INSTALLS = {"postgresql": "psycopg", "mysql": "pymysql", "mariadb": "pymysql", "mssql": "pyodbc", "oracle": "oracledb"}


def read_parquet(key: str, path: Path, config: Data) -> pd.DataFrame:
    """The rows of a Parquet file, gzipped or not.

    Args:
        key: The key that names the file.
        path: The file.
        config: The data section.

    Raises:
        DataError: The file is not Parquet, is broken, or holds values that cannot be a column.
    """
    try:
        if path.suffix.lower() != ".gz":
            frame = pd.read_parquet(path)
        else:
            with gzip.open(path) as file:
                frame = pd.read_parquet(file)
    except (OSError, EOFError, ValueError, NotImplementedError, zlib.error) as error:
        raise DataError(f"{key}: {path} cannot be read: {str(error).strip()}") from None
    return tidied_frame(with_index_columns(frame), f"{key}: {path}", config)


def with_index_columns(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows with a column for each named level of their index, unless a column has that name already.

    Args:
        frame: Rows as pandas has read them from Parquet.
    """
    names = list(frame.index.names)
    if isinstance(frame.index, pd.RangeIndex) or None in names or all(name in frame for name in names):
        return frame.reset_index(drop=True)
    return frame.reset_index(level=[name for name in names if name in frame], drop=True).reset_index()


def is_url(path: str) -> bool:
    """Whether data.path names a database rather than a file."""
    return re.match(r"[\w+]+://", path) is not None


def shown_url(url: str) -> str:
    """The address without its password."""
    return re.sub(r"(://[^/@:]*):[^/]*@", r"\1:***@", url)


def read_sql(key: str, url: str, config: Data) -> pd.DataFrame:
    """The rows that data.query selects.

    Args:
        key: The key that names the database.
        url: Its SQLAlchemy URL.
        config: The data section.

    Raises:
        DataError: The database or driver does not exist, or the query fails. The message does not contain the password.
    """
    import sqlalchemy
    from sqlalchemy import exc

    where, secret = f"{key}: {shown_url(url)}", None
    try:
        address = sqlalchemy.make_url(url)
        secret = address.password
        _require_sqlite_file(where, address)
        engine = sqlalchemy.create_engine(address)
    except (exc.NoSuchModuleError, ModuleNotFoundError) as error:
        backend = url.partition(":")[0].partition("+")[0]
        hint = f"; install its driver, as in pip install {INSTALLS[backend]}" if backend in INSTALLS else ""
        raise DataError(f"{where} cannot be opened: {error}{hint}") from None
    except (exc.ArgumentError, ValueError, TypeError):
        raise DataError(f"{where} is not an SQLAlchemy URL, as in {key}=sqlite:///my.db") from None
    try:
        with engine.connect() as connection:
            frame = pd.read_sql_query(str(config.query), connection)
    except exc.ResourceClosedError:
        raise DataError(f"data.query: gives no rows; it must be a select, got {config.query!r}") from None
    except (pd.errors.DatabaseError, exc.SQLAlchemyError, OSError) as error:
        cause = error.__cause__ if isinstance(error, pd.errors.DatabaseError) else error
        reason = str(getattr(cause, "orig", None) or cause or error).partition("\n")[0]
        reason = reason.replace(secret, "***") if secret else reason
        raise DataError(f"data.query: {config.query!r} failed on {shown_url(url)}: {reason}") from None
    finally:
        engine.dispose()
    return tidied_frame(frame, where, config)


def _require_sqlite_file(where: str, address: "URL") -> None:
    """Raises DataError if the file does not exist: SQLite would create an empty database."""
    name = address.database
    if address.get_backend_name() == "sqlite" and name and name != ":memory:" and not name.startswith("file:"):
        path = Path(name)
        if not path.is_file():
            raise DataError(f"{where}: file {path} does not exist (looked for from {Path.cwd()})")


def tidied_frame(frame: pd.DataFrame, where: str, config: Data) -> pd.DataFrame:
    """The rows with the names of data.columns, each column in a type that one read from text would have.

    Args:
        frame: The rows.
        where: The key and the source, for messages.
        config: The data section.

    Raises:
        DataError: A name occurs twice, or values have a type that a column cannot have.
    """
    names = [str(name) for name in frame.columns]
    if config.columns is not None and len(config.columns) != len(names):
        raise DataError(f"data.columns: names {len(config.columns)} columns, but {where} has {len(names)}")
    names = config.columns or names
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise DataError(
            f"{where} has more than one column named {', '.join(map(repr, repeated))}; name all columns "
            "with data.columns"
        )
    columns, faults = dict[str, pd.Series](), dict[str, str]()
    for number, name in enumerate(names):
        try:
            columns[name] = tidied(frame.iloc[:, number], marks_of(config.missing_values))
        except (TypeError, ValueError, OverflowError) as error:
            columns[name] = pd.Series(np.nan, index=frame.index)  # its name is known, so data.drop may hold it
            if name not in config.drop:
                faults[name] = f"column {name!r} holds {error}"
    if faults:
        said = f"{where} has values that are not numbers, text, booleans or dates"
        remedy = f"Leave these columns out of the file or query, or set {dropping(faults, config.drop)}"
        raise DataError("\n".join([said, *faults.values(), remedy]))
    return pd.DataFrame(columns)
