"""Runs what the documents say, and compares what they promise. See scripts/docs-test."""
