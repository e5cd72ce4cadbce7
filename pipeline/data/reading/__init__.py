"""Reads tables in the formats that people use: text files of many dialects, Parquet files, and database queries.

For training, `csv_file.py` (or `typed_tables.py`, for Parquet and SQL) reads the cells, and `column_types.py` finds the
meaning of each column. That is stored as an `InputColumn` in the model's manifest. By it, `parse_inputs.py` reads the
rows of predict, evaluate, the server and MLflow's model, and `input_column.py` a single cell.
"""

from pipeline.data.reading.dialect import Reading
from pipeline.data.reading.tables import read_tables

__all__ = ["Reading", "read_tables"]
