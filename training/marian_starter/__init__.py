"""The parts of the program that makes the Marian starter; `training/marian.py` joins them."""
