//! The stack of a child that shares the launcher's memory.
#![expect(unsafe_code, reason = "mmap, mprotect and munmap")]

use std::ffi::c_void;
use std::ptr;

use nix::errno::Errno;

/// Bytes of the child's stack. It makes a few nested calls and no allocation.
const STACK: usize = 16 * 1024;
/// Bytes below it that nobody can write: a multiple of every page size in use.
const GUARD: usize = 64 * 1024;

/// The child's stack. It shares the launcher's memory: what overruns the stack must end the child, not
/// change what the launcher goes on with.
pub(super) struct Stack {
    lowest: *mut c_void,
}

impl Stack {
    pub(super) fn map() -> Result<Stack, Errno> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_STACK | libc::MAP_NORESERVE;
        // SAFETY: no address is asked for, so nothing of ours is replaced
        let lowest = unsafe { libc::mmap(ptr::null_mut(), GUARD + STACK, libc::PROT_NONE, flags, -1, 0) };
        if lowest == libc::MAP_FAILED {
            return Err(Errno::last());
        }
        let stack = Stack { lowest };
        let above_the_guard = stack.at(GUARD);
        // SAFETY: the upper part of the mapping that was just made
        let result = unsafe { libc::mprotect(above_the_guard, STACK, libc::PROT_READ | libc::PROT_WRITE) };
        Errno::result(result).map(|_| stack)
    }

    /// Stacks grow downwards. A mapping begins at a page, so its end is aligned as a stack has to be.
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
        // SAFETY: the mapping that `map` made, which nobody uses any more
        unsafe { libc::munmap(self.lowest, GUARD + STACK) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn below_the_stack_of_the_child_nothing_can_be_written() {
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
