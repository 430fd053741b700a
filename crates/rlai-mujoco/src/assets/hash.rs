//! SHA-256, the only thing that a file is trusted for.

use sha2::{Digest, Sha256};

/// A SHA-256 as 64 hexadecimal digits in lower case.
pub(super) type Sha256Hex = &'static str;

/// The SHA-256 of some bytes.
pub(super) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::sha256;

    // FIPS 180-2, appendix B.1.
    #[test]
    fn the_standards_example() {
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256(b"abc"), expected);
    }
}
