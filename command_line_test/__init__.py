"""What the documents promise of the command line, held against the real one. See scripts/command-line-test."""
