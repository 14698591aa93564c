"""Where things are: the repository that the child processes run in."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
