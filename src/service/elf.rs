//! The parts of an ELF file that decide whether the kernel can execute it: the machine and the dynamic loader.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// PT_INTERP: the dynamic loader.
const LOADER: u32 = 3;

/// The headers of a program, as far as they matter here.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ElfHeader {
    /// Whether this machine can execute it; assumed if an emulator may be registered.
    pub(super) is_for_this_machine: bool,
    /// The dynamic loader, if it has one.
    pub(super) loader: Option<PathBuf>,
}

pub(super) fn is_elf(start: &[u8]) -> bool {
    start.starts_with(b"\x7fELF")
}

impl ElfHeader {
    /// Parses the headers in the first bytes of a file; `None` if they are incomplete.
    pub(super) fn parse(start: &[u8]) -> Option<Self> {
        let bytes = Bytes { start, is_little: *start.get(5)? == 1 };
        let is_64 = *start.get(4)? == 2;
        let machine = u16::try_from(bytes.number(18, 2)?).ok()?;
        let (table, size, count) = match is_64 {
            true => (bytes.number(32, 8)?, bytes.number(54, 2)?, bytes.number(56, 2)?),
            false => (bytes.number(28, 4)?, bytes.number(42, 2)?, bytes.number(44, 2)?),
        };
        let mut loader = None;
        for index in 0..count.min(64) {
            let at = usize::try_from(table.checked_add(index.checked_mul(size)?)?).ok()?;
            let Some(kind) = bytes.number(at, 4) else { break };
            if kind != u64::from(LOADER) {
                continue;
            }
            let field = |distance, length| bytes.number(at.checked_add(distance)?, length);
            let (offset, length) = match is_64 {
                true => (field(8, 8)?, field(32, 8)?),
                false => (field(4, 4)?, field(16, 4)?),
            };
            let from = usize::try_from(offset).ok()?;
            let name = start.get(from..from.checked_add(usize::try_from(length).ok()?)?)?;
            let name = name.split(|byte| *byte == 0).next()?;
            loader = Some(PathBuf::from(OsStr::from_bytes(name)));
        }
        Some(ElfHeader { is_for_this_machine: is_native(machine) || has_emulator(), loader })
    }
}

struct Bytes<'s> {
    start: &'s [u8],
    is_little: bool,
}

impl Bytes<'_> {
    fn number(&self, at: usize, length: usize) -> Option<u64> {
        let bytes = self.start.get(at..at.checked_add(length)?)?.iter();
        let join = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
        Some(if self.is_little { bytes.rev().fold(0, join) } else { bytes.fold(0, join) })
    }
}

/// The numbers of elf.h: a 64-bit machine executes 32-bit programs as well.
fn is_native(machine: u16) -> bool {
    let natives: &[u16] = match std::env::consts::ARCH {
        "x86_64" => &[62, 3],
        "x86" => &[3],
        "aarch64" => &[183, 40],
        "arm" => &[40],
        "riscv64" => &[243],
        "powerpc64" => &[21, 20],
        "s390x" => &[22],
        _ => return true,
    };
    natives.contains(&machine)
}

/// Whether an emulator for foreign programs is registered (qemu via binfmt_misc).
fn has_emulator() -> bool {
    let is_registration = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.is_ok_and(|entry| entry.file_name() != "register" && entry.file_name() != "status")
    };
    std::fs::read_dir("/proc/sys/fs/binfmt_misc").is_ok_and(|mut entries| entries.any(is_registration))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A 64-bit header with one program header that names this loader.
    fn program(machine: u16, loader: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0_u8; 120];
        bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
        bytes[18..20].copy_from_slice(&machine.to_le_bytes());
        bytes[32] = 64;
        bytes[54] = 56;
        bytes[56] = 1;
        bytes[64] = 3;
        bytes[72] = 120;
        bytes[96] = u8::try_from(loader.len()).expect("short");
        bytes.extend_from_slice(loader);
        bytes
    }

    #[test]
    fn machine_and_loader_are_read_and_nothing_hostile_is_followed() {
        let own = std::fs::read("/proc/self/exe").expect("this program");
        assert!(ElfHeader::parse(&own[..4096]).expect("headers").is_for_this_machine);
        let header = ElfHeader::parse(&program(62, b"/lib64/x.so\0")).expect("headers");
        assert_eq!(header.loader, Some(PathBuf::from("/lib64/x.so")));
        let mut hostile = program(62, b"x");
        hostile[72..80].copy_from_slice(&u64::MAX.to_le_bytes());
        assert_eq!(ElfHeader::parse(&hostile), None);
        hostile[32..40].copy_from_slice(&u64::MAX.to_le_bytes());
        assert_eq!(ElfHeader::parse(&hostile).map(|header| header.loader), Some(None));
        for length in 0..120 {
            let _ = ElfHeader::parse(&program(62, b"x")[..length]);
        }
    }

    #[test]
    fn a_program_for_another_processor_is_not_native() {
        assert!(!is_native(0xffff));
    }
}
