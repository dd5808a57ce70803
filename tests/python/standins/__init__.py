"""Servers that stand in for destinations, written from their documentation."""
