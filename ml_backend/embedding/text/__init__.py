"""Texts: fields and files to strings, strings to vectors."""
