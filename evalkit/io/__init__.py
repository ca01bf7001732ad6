"""Reading and writing files: rows of numbers, regions, frames, TOML; atomic writes."""
