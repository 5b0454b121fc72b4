//! Two observations, field by field.

use std::collections::{BTreeMap, BTreeSet};

use crate::case::{Case, Settings};
use crate::differences::{DELIBERATE, Deliberate};
use crate::observation::Observation;

/// What takes the place of the old run file.
#[derive(Clone, Copy)]
pub enum Side {
    ByHand,
    Converted,
}

/// A fact that both sides do not agree on. `None`: one of them does not have it.
pub struct Difference<'o> {
    pub case: &'o Case,
    /// `web 0 env HOME`, in parts: program, number, then the field; for rows of the whole service the field alone.
    pub field: &'o str,
    pub old: Option<&'o str>,
    pub new: Option<&'o str>,
}

impl Difference<'_> {
    /// Whether it is about the variable of this name.
    pub fn is_env(&self, name: &str) -> bool {
        self.field.strip_prefix("env ") == Some(name)
    }
}

/// The rows that are not the same.
fn differences<'o>(case: &'o Case, old: &'o Observation, new: &'o Observation) -> Vec<Difference<'o>> {
    let names: BTreeSet<&String> = old.rows.keys().chain(new.rows.keys()).collect();
    let value = |rows: &'o BTreeMap<String, String>, name: &str| rows.get(name).map(String::as_str);
    let all = names.into_iter().map(|name| Difference {
        case,
        field: field(name),
        old: value(&old.rows, name),
        new: value(&new.rows, name),
    });
    all.filter(|row| row.old != row.new).collect()
}

/// `env HOME` of `web 0 env HOME`.
fn field(name: &str) -> &str {
    let mut parts = name.splitn(3, ' ');
    match (parts.next(), parts.next(), parts.next()) {
        (_, Some(number), Some(field)) if number.bytes().all(|byte| byte.is_ascii_digit()) => field,
        _ => name,
    }
}

/// What is wrong with the new side of a case: differences that nobody wants, and those that are announced and not there.
/// The keys of the deliberate differences that were seen are added to `seen`.
pub fn compare(
    case: &Case,
    old: &Observation,
    new: &Observation,
    side: Side,
    seen: &mut BTreeSet<&'static str>,
) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut here: BTreeSet<&'static str> = BTreeSet::new();
    let Settings { differs, conversion_differs, .. } = &case.settings;
    let (announced, others) = match side {
        Side::ByHand => (differs, &Vec::new()),
        // what is left to a script may go on as it was
        Side::Converted => (conversion_differs, differs),
    };
    let may_be = |key: &str| announced.iter().chain(others).any(|other| other == key);
    for difference in differences(case, old, new) {
        let Difference { field, old, new, .. } = difference;
        let mut allowed = DELIBERATE.iter().filter(|other| other.is_everywhere || may_be(other.key));
        match allowed.find(|deliberate| (deliberate.is_it)(&difference)) {
            Some(Deliberate { key, .. }) => drop(here.insert(key)),
            None => wrong.push(format!("{}: {field}: {old:?} is {new:?} now", case.name)),
        }
    }
    for key in announced.iter().filter(|key| !here.contains(key.as_str())) {
        wrong.push(format!("{}: case.toml announces '{key}', which is not to be seen", case.name));
    }
    seen.extend(here);
    for (side, observation) in [("old", old), ("new", new)] {
        for gap in &observation.gaps {
            // later only where the machine is busy
            if *gap < case.settings.gap * 0.9 || *gap > case.settings.gap + 60.0 {
                wrong.push(format!("{}: {side}: a run {gap} s after the one before", case.name));
            }
        }
    }
    wrong
}
