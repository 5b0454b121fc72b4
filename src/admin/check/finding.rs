//! A finding of a check.

use serde::Serialize;

use crate::error::Finding;
use crate::service::executable::Obstacle;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Weight {
    /// It must be fixed.
    Problem,
    /// Worth knowing.
    Note,
    /// It could not be checked.
    Unseen,
}

/// A finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct CheckFinding {
    pub(super) weight: Weight,
    /// What is wrong, with its location: file and line, or option.
    pub(super) text: String,
    /// What to do about it.
    pub(super) hint: Option<String>,
}

impl CheckFinding {
    pub(super) fn problem(text: impl Into<String>, hint: &str) -> Self {
        CheckFinding { weight: Weight::Problem, text: text.into(), hint: Some(hint.to_string()) }
    }

    pub(super) fn note(text: impl Into<String>, hint: &str) -> Self {
        CheckFinding { weight: Weight::Note, ..CheckFinding::problem(text, hint) }
    }

    pub(super) fn unseen(text: impl Into<String>, hint: &str) -> Self {
        CheckFinding { weight: Weight::Unseen, ..CheckFinding::problem(text, hint) }
    }

    pub(super) fn is_problem(&self) -> bool {
        self.weight == Weight::Problem
    }
}

impl From<&Finding> for CheckFinding {
    fn from(finding: &Finding) -> Self {
        CheckFinding { weight: Weight::Problem, text: finding.text.clone(), hint: finding.hint.clone() }
    }
}

impl From<Obstacle> for CheckFinding {
    fn from(obstacle: Obstacle) -> Self {
        CheckFinding::problem(format!("{}: {}", obstacle.place(), obstacle.what), &obstacle.hint)
    }
}
