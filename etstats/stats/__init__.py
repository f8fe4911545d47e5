"""Answers: what the reading commands and the posts show, put together from the base and the rules."""
