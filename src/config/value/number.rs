//! Whole numbers, modes, sizes, descriptors.

use std::str::FromStr;

use crate::invalid::Invalid;

/// A whole number from `low` to `high`.
pub fn whole<N: FromStr + PartialOrd + std::fmt::Display + Copy>(
    text: &str,
    low: N,
    high: N,
) -> Result<N, Invalid> {
    match text.parse() {
        Ok(number) if number >= low && number <= high => Ok(number),
        _ => Err(Invalid::new(format!("is not a whole number from {low} to {high}"))),
    }
}

/// A mode or mask in octal, at most `most`.
pub fn mode(text: &str, most: u32) -> Result<u32, Invalid> {
    let digits = !text.is_empty() && text.bytes().all(|byte| (b'0'..=b'7').contains(&byte));
    match u32::from_str_radix(text, 8) {
        Ok(mode) if digits && mode <= most => Ok(mode),
        _ => Err(Invalid::new(format!("is not an octal number up to {most:04o}"))),
    }
}

/// A descriptor from 3 up.
pub fn descriptor(text: &str) -> Result<i32, Invalid> {
    whole(text, 3, 1_048_576)
}

/// A size in bytes; K, M or G (KiB, MiB, GiB) may follow the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

impl ByteSize {
    /// Reads `10485760`, `10M`, `10MiB`.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let invalid = || {
            Invalid::new("is not a size of at least 4096 bytes")
                .hint("write bytes, or 512K, 10M, 1G; 0 is no limit")
        };
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at_checked(digits).ok_or_else(invalid)?;
        let factor: u64 = match unit {
            "" | "B" => 1,
            "K" | "KiB" | "k" => 1 << 10,
            "M" | "MiB" => 1 << 20,
            "G" | "GiB" => 1 << 30,
            _ => return Err(invalid()),
        };
        let number: u64 = number.parse().map_err(|_| invalid())?;
        match number.checked_mul(factor) {
            Some(bytes) if bytes >= 4096 || bytes == 0 => Ok(ByteSize(bytes)),
            _ => Err(invalid()),
        }
    }
}

impl std::fmt::Display for ByteSize {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            bytes if bytes % (1 << 20) == 0 => write!(formatter, "{} MiB", bytes >> 20),
            bytes if bytes % (1 << 10) == 0 => write!(formatter, "{} KiB", bytes >> 10),
            bytes => write!(formatter, "{bytes} bytes"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_sizes_in_binary_units() {
        for (text, bytes) in
            [("4096", 4096), ("10M", 10 << 20), ("10MiB", 10 << 20), ("1G", 1 << 30), ("0", 0)]
        {
            assert_eq!(ByteSize::parse(text), Ok(ByteSize(bytes)), "{text}");
        }
        for text in ["", "M", "10 M", "10MB", "1", "-1", "99999999999G"] {
            assert!(ByteSize::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn modes_are_octal() {
        assert_eq!(mode("0640", 0o777), Ok(0o640));
        assert_eq!(mode("22", 0o777), Ok(0o22));
        for text in ["", "8", "0o640", "1777", "-1", "+7"] {
            assert!(mode(text, 0o777).is_err(), "{text}");
        }
    }
}
