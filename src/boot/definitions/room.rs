//! How much is published for those who are not root: s6-svscan has a bound of its own, and the scan
//! directory is memory.

use super::error::DefinitionsError;
use super::files::Definition;
use super::writers::Writers;

/// As many definitions: s6-svscan takes 500 services, and root has some too.
const MOST: usize = 300;
/// As many bytes of all their files.
const MOST_BYTES: usize = 8 << 20;

/// What is left of it.
#[derive(Debug)]
pub(super) struct Room {
    definitions: usize,
    bytes: usize,
}

impl Default for Room {
    fn default() -> Self {
        Room { definitions: MOST, bytes: MOST_BYTES }
    }
}

impl Room {
    /// Takes what a definition needs; root's need none.
    pub(super) fn take(&mut self, definition: &Definition) -> Result<(), DefinitionsError> {
        if definition.writers == Writers::Root {
            return Ok(());
        }
        let bytes = definition.files.iter().map(|(_, content)| content.len()).sum();
        let definitions = self.definitions.checked_sub(1).ok_or(DefinitionsError::TooMany(MOST))?;
        let bytes = self.bytes.checked_sub(bytes).ok_or(DefinitionsError::TooLarge(MOST_BYTES))?;
        *self = Room { definitions, bytes };
        Ok(())
    }
}
