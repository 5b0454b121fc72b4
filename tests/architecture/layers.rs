//! The allowed directions, in one place.

/// The rooms of `src/` (its folders and files) from the ground up. A room may import those in the lines above
/// its own; rooms in one line do not import each other.
pub const LAYERS: &[&[&str]] = &[
    // what everything may use
    &["exit", "escape", "nearest", "shell_quote"],
    &["error", "invalid", "options"],
    &["sys"],
    &["report"],
    // what is read and understood
    &["schedule", "env_file"],
    &["service"],
    &["machine"],
    &["config"],
    &["cli", "plan"],
    &["trust", "convert"],
    // the launcher's stages
    &["drop", "log", "wait"],
    &["ready", "record"],
    &["run"],
    &["rest"],
    &["lifecycle"],
    // what looks at all of it
    &["explain", "observe"],
    &["boot"],
    &["admin", "launch"],
];

/// The circles between files that are as they should be: sorted, each with its reason.
pub const MAY_RUN_IN_A_CIRCLE: &[&[&str]] = &[
    // the grammar recurses: a parameter holds words, a word holds parameters
    &["env_file/parameter.rs", "env_file/words.rs"],
];
