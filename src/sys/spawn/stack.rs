//! The stack of a child that shares the launcher's memory.
#![expect(unsafe_code, reason = "mmap, mprotect and munmap")]

use std::ffi::c_void;
use std::ptr;

use nix::errno::Errno;

/// The size of the child's stack in bytes. The child makes a few nested calls and does not allocate.
const STACK: usize = 16 * 1024;
/// The size of the guard area below it, in bytes: a multiple of every page size in use.
const GUARD: usize = 64 * 1024;

/// The stack of the child, which shares the launcher's memory: a stack overflow must kill the child, not corrupt the
/// launcher.
pub(super) struct Stack {
    lowest: *mut c_void,
}

impl Stack {
    pub(super) fn map() -> Result<Stack, Errno> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_STACK | libc::MAP_NORESERVE;
        // SAFETY: no address is requested, so no mapping is replaced
        let lowest = unsafe { libc::mmap(ptr::null_mut(), GUARD + STACK, libc::PROT_NONE, flags, -1, 0) };
        if lowest == libc::MAP_FAILED {
            return Err(Errno::last());
        }
        let stack = Stack { lowest };
        let above_the_guard = stack.at(GUARD);
        // SAFETY: the upper part of the new mapping
        let result = unsafe { libc::mprotect(above_the_guard, STACK, libc::PROT_READ | libc::PROT_WRITE) };
        Errno::result(result).map(|_| stack)
    }

    /// Stacks grow downwards. A mapping is page-aligned, so its end is aligned for a stack.
    pub(super) fn top(&self) -> *mut c_void {
        self.at(GUARD + STACK)
    }

    fn at(&self, offset: usize) -> *mut c_void {
        // SAFETY: all callers stay within the mapping, or one past its end
        unsafe { self.lowest.byte_add(offset) }
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // SAFETY: the mapping created by `map`, which is no longer used
        unsafe { libc::munmap(self.lowest, GUARD + STACK) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guard_below_the_childs_stack_is_not_writable() {
        let stack = Stack::map().expect("a stack");
        let maps = std::fs::read_to_string("/proc/self/maps").expect("the mappings");
        let rights_at = |address: usize| {
            maps.lines().find_map(|line| {
                let (range, rest) = line.split_once(' ')?;
                let (from, to) = range.split_once('-')?;
                let from = usize::from_str_radix(from, 16).ok()?;
                let to = usize::from_str_radix(to, 16).ok()?;
                (from..to).contains(&address).then(|| rest.get(..4).unwrap_or_default().to_string())
            })
        };
        for (offset, expected) in
            [(0, "---p"), (GUARD - 1, "---p"), (GUARD, "rw-p"), (GUARD + STACK - 1, "rw-p")]
        {
            assert_eq!(rights_at(stack.at(offset).addr()).as_deref(), Some(expected), "{offset}");
        }
        assert_eq!(stack.top().addr() % 16, 0);
    }
}
