"""Time series: tables and arrays to channels, channels to vectors."""
