//! A mistake in a file, with its place, the line drawn, and what to do.
