"""Measurements of the library against bare passes through the network and against other attack libraries."""
