"""Media to vectors. Knows no host: paths and arrays in, arrays out."""
