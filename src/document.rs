//! A TOML document that notes every wrong, missing and unknown key.
