"""The short way in to the networks of the course: ``models.load("mnist/cnn")``. All of it is ``zoo.weights``."""

from advcourse.zoo.weights import build, card, load, names

__all__ = ["build", "card", "load", "names"]
