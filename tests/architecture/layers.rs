//! The allowed directions, in one place.

/// An import between rooms that does not run down.
pub struct Backward {
    /// Below `src/`.
    pub from: &'static str,
    pub to: &'static str,
    pub reason: &'static str,
}

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
    &["trust"],
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

/// For good.
pub const MAY_RUN_BACKWARD: &[Backward] = &[];

/// The circles between files that are as they should be: sorted, each with its reason.
pub const MAY_RUN_IN_A_CIRCLE: &[&[&str]] = &[
    // the grammar recurses: a parameter holds words, a word holds parameters
    &["env_file/parameter.rs", "env_file/words.rs"],
];

// STILL TO TURN AND TO UNTIE: to be emptied. A test fails when an entry is no longer needed.

/// Imports that run backward today.
pub const STILL_TO_TURN: &[Backward] = &[];

/// Circles that are there today.
pub const STILL_TO_UNTIE: &[&[&str]] = &[];
