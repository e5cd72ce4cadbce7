"""Reads tables as people have them: text files of many dialects, Parquet files, and queries of databases."""

from pipeline.data.reading.dialect import Reading
from pipeline.data.reading.tables import read_tables

__all__ = ["Reading", "read_tables"]
