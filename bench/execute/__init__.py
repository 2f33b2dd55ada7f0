"""Engines that carry out a plan."""
