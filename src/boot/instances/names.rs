//! The names of instances, and of their services.

use super::system::System;

/// Whether the whole name matches `[a-z0-9][a-z0-9_-]*`.
pub(super) fn is_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    name.bytes().next().is_some_and(is_plain)
        && name.bytes().all(|byte| is_plain(byte) || b"_-".contains(&byte))
}

/// The name of an instance's service.
pub(super) fn service_name(system: &System, name: &str) -> String {
    system.service.replace("{name}", name)
}

/// The name of the instance whose service has this name.
pub(super) fn name_of(system: &System, service: &str) -> Option<String> {
    let (before, after) = system.service.split_once("{name}")?;
    let name = if after.contains("{name}") {
        let count = system.service.matches("{name}").count();
        let rest = service.len().checked_sub(system.service.len() - count * "{name}".len())?;
        service.get(before.len()..before.len() + rest / count)?
    } else {
        service.strip_prefix(before)?.strip_suffix(after)?
    };
    (service_name(system, name) == service).then(|| name.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::config;
    use super::*;

    #[test]
    fn a_name_matches_the_whole_pattern() {
        for good in ["a", "0", "coder", "a-b_c9", "9-"] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "-a", "_a", "A", "a b", "a\n", "é", "a.b", "a/b", ".a"] {
            assert!(!is_name(bad), "{bad:?}");
        }
    }

    #[test]
    fn the_name_is_found_in_the_service() {
        let mut system = config::example();
        for (template, service, name) in [
            ("gateway-{name}", "gateway-a-b", Some("a-b")),
            ("gateway-{name}", "dashboard", None),
            ("{name}", "x", Some("x")),
            ("{name}-of-{name}", "ab-of-ab", Some("ab")),
            ("{name}-of-{name}", "ab-of-ac", None),
            ("{name}-of-{name}", "a", None),
        ] {
            system.service = template.to_string();
            assert_eq!(name_of(&system, service).as_deref(), name, "{template} {service}");
        }
    }
}
