//! Memory beside the heap: words that copies of this process share, and a buffer that is given back.
#![expect(unsafe_code, reason = "mappings are known by their address only")]

use std::num::NonZeroUsize;
use std::ptr::NonNull;
use std::sync::atomic::AtomicU64;

use nix::errno::Errno;
use nix::sys::mman::{MapFlags, MmapAdvise, ProtFlags, madvise, mmap_anonymous, munmap};

const PAGE: NonZeroUsize = NonZeroUsize::MIN.saturating_add(4095);

/// Words that this process shares with the copies of it that are made from now on; they outlive each of them.
#[derive(Debug)]
pub struct SharedWords(NonNull<AtomicU64>);

impl SharedWords {
    /// How many there are.
    pub const COUNT: usize = 64;

    /// Maps them, all zero.
    pub fn map() -> Result<Self, Errno> {
        let rights = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: a new mapping, at an address that the kernel chooses, replaces nothing
        let mapped = unsafe { mmap_anonymous(None, PAGE, rights, MapFlags::MAP_SHARED) }?;
        Ok(SharedWords(mapped.cast()))
    }

    /// The word of this number; the last one for numbers beyond it.
    pub fn word(&self, number: usize) -> &AtomicU64 {
        // SAFETY: the page holds more than so many words, is aligned, and zero bytes are a valid value
        let at = unsafe { self.0.add(number.min(Self::COUNT - 1)) };
        // SAFETY: mapped as long as this value lives; all that is done with it is atomic
        unsafe { at.as_ref() }
    }
}

impl Drop for SharedWords {
    fn drop(&mut self) {
        // SAFETY: the mapping of this value, to which no reference outlives it
        let _ = unsafe { munmap(self.0.cast(), PAGE.get()) };
    }
}

/// A buffer of bytes that takes no memory while it is not in use.
#[derive(Debug)]
pub struct Buffer {
    start: NonNull<u8>,
    length: NonZeroUsize,
}

impl Buffer {
    /// Maps one.
    pub fn map(length: NonZeroUsize) -> Result<Self, Errno> {
        let rights = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: a new mapping, at an address that the kernel chooses, replaces nothing
        let mapped = unsafe { mmap_anonymous(None, length, rights, MapFlags::MAP_PRIVATE) }?;
        Ok(Buffer { start: mapped.cast(), length })
    }

    /// Its bytes.
    pub fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: mapped for as long as this value lives, of this length, initialised with zeros by the kernel, and
        // borrowed as a whole
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.length.get()) }
    }

    /// Forgets its content and gives the memory back.
    pub fn release(&mut self) {
        // SAFETY: the mapping of this value, private and anonymous: it reads as zeros from now on
        let _ = unsafe { madvise(self.start.cast(), self.length.get(), MmapAdvise::MADV_DONTNEED) };
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // SAFETY: the mapping of this value, to which no reference outlives it
        let _ = unsafe { munmap(self.start.cast(), self.length.get()) };
    }
}
