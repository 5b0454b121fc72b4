//! The presets: systems of instances that are built in, each described by a file of the form of `--config`. A new
//! one is a file here and a line below.

/// By name.
pub(super) const PRESETS: [(&str, &str); 1] = [("hermes", include_str!("hermes.toml"))];
