"""Reads tables as people have them: text files of many dialects, Parquet files, and queries of databases.

For training: `csv_file.py` (or `typed.py`, Parquet and SQL) reads the cells, and `column_types.py` finds out of each
column what they mean. That is an `InputColumn` in the model's manifest: by it, `parse_inputs.py` takes new rows, those
of predict, evaluate, the server and MLflow's model, and `input_column.py` the single cell.
"""

from pipeline.data.reading.dialect import Reading
from pipeline.data.reading.tables import read_tables

__all__ = ["Reading", "read_tables"]
