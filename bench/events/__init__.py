"""The way of an event from one service's commit to another's, beside peers that do without our code."""
