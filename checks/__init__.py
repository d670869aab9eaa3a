"""What is proved of the built product from outside: run by checks/run, one folder an area, one harness for all of them."""

import pathlib

ROOT = pathlib.Path(__file__).resolve().parent.parent
