//! One file per verb; the only room that knows every other.
