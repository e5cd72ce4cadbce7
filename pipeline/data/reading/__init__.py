"""Reads tables as people have them: text files of many dialects, Parquet files, and queries of databases.

For training: `csv_file.py` (or `typed.py`, Parquet and SQL) gives columns, `column_types.py` finds out what they hold,
and `conversion.py` makes them numbers or text. What was found out is an `InputColumn` in the model's manifest, by which
`parse_inputs.py` takes new rows: those of predict, evaluate, the server and MLflow's model.
"""

from pipeline.data.reading.dialect import Reading
from pipeline.data.reading.tables import read_tables

__all__ = ["Reading", "read_tables"]
