//! The capabilities that programs executed by this process can gain.
#![expect(unsafe_code, reason = "prctl, capget and capset have no safe wrapper")]

use nix::errno::Errno;

/// The header and data of the calls, version 3.
#[repr(C)]
struct Header {
    version: u32,
    pid: i32,
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Words {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

const VERSION: u32 = 0x2008_0522;

/// Drops capabilities from the bounding and inheritable sets, and thereby from the ambient set: no program executed
/// from now on gets them, whatever its user. `is_dropped` selects by number. The capabilities of this process itself
/// are kept.
pub fn drop_for_programs(is_dropped: impl Fn(u32) -> bool) -> Result<(), Errno> {
    for number in (0..64).filter(|number| is_dropped(*number)) {
        match take_from_bounding(number) {
            Ok(()) => {}
            // the last capability of this kernel
            Err(Errno::EINVAL) => break,
            Err(errno) => return Err(errno),
        }
    }
    drop_inheritable(is_dropped)
}

/// Whether one is in the bounding set.
fn bounding(number: u32) -> Result<bool, Errno> {
    // SAFETY: takes numbers
    let result = unsafe { libc::prctl(libc::PR_CAPBSET_READ, libc::c_ulong::from(number), 0, 0, 0) };
    Errno::result(result).map(|present| present == 1)
}

fn take_from_bounding(number: u32) -> Result<(), Errno> {
    // SAFETY: takes numbers
    let result = unsafe { libc::prctl(libc::PR_CAPBSET_DROP, libc::c_ulong::from(number), 0, 0, 0) };
    match Errno::result(result) {
        // without SETPCAP, an already dropped capability is fine
        Ok(_) | Err(Errno::EPERM) if !bounding(number)? => Ok(()),
        // read back, the only proof that it is gone
        Ok(_) => Err(Errno::EPERM),
        Err(errno) => Err(errno),
    }
}

fn drop_inheritable(is_dropped: impl Fn(u32) -> bool) -> Result<(), Errno> {
    let mut header = Header { version: VERSION, pid: 0 };
    let mut words = [Words::default(); 2];
    // SAFETY: a live header, and two live, writable words, as in version 3
    let result = unsafe { libc::syscall(libc::SYS_capget, &raw mut header, words.as_mut_ptr()) };
    Errno::result(result)?;
    let before = words.map(|word| word.inheritable);
    for (word, first) in words.iter_mut().zip([0, 32]) {
        for bit in (0..32).filter(|bit| is_dropped(first + bit)) {
            word.inheritable &= !(1 << bit);
        }
    }
    if before == words.map(|word| word.inheritable) {
        return Ok(());
    }
    // SAFETY: as above; the words are only read
    let result = unsafe { libc::syscall(libc::SYS_capset, &raw mut header, words.as_ptr()) };
    Errno::result(result).map(drop)
}
