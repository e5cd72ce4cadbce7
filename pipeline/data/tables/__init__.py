"""Reads tables as people have them: text files of many dialects, Parquet files, and queries of databases."""

from pipeline.data.tables.dialect import Reading
from pipeline.data.tables.reading import read_tables

__all__ = ["Reading", "read_tables"]
