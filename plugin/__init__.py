"""What people see inside a host."""
