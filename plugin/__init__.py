"""What users see inside a host."""
