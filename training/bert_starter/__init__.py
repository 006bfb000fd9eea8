"""The parts of the program that makes the BERT starter; `training/bert.py` puts them together."""
