//! The presets: built-in systems of instances, each described by a file of the same form as that of `--config`. To add
//! a preset, add a file to this folder and a line below.

/// The name and text of each preset.
pub(super) const PRESETS: [(&str, &str); 1] = [("hermes", include_str!("hermes.toml"))];

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::config::parse;
    use super::super::system::System;
    use super::*;
    use crate::error::Findings;

    fn parsed(text: &str) -> System {
        parse(Path::new("a.toml"), text, None, &mut Findings::default()).expect("read")
    }

    #[test]
    fn every_preset_is_read_without_a_finding() {
        for (name, text) in PRESETS {
            let mut findings = Findings::default();
            let system = parse(Path::new(name), text, None, &mut findings);
            assert_eq!(findings.iter().map(|f| f.text.as_str()).collect::<Vec<_>>(), [""; 0], "{name}");
            assert_eq!(system.expect("read").name, name);
        }
    }

    #[test]
    fn a_file_overrides_keys_of_its_preset() {
        let system = parsed("preset = 'hermes'\nhome = '/data'\npolicies = { coder = 'always' }\n");
        assert_eq!(system.home, Path::new("/data"));
        assert_eq!(system.service, "gateway-{name}");
        assert!(system.hold.is_some() && system.container_command.is_some());
        let system = parsed("preset = 'hermes'\nhold = {}\ncontainer-command = {}\n");
        assert!(system.hold.is_none() && system.container_command.is_none());
    }
}
