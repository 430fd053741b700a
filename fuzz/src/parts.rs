//! Several files in one input.

const BETWEEN: &[u8] = b"\n=== next file ===\n";

/// The files of an input, empty ones where there are fewer.
pub fn split<const N: usize>(mut bytes: &[u8]) -> [&[u8]; N] {
    std::array::from_fn(|i| {
        let end = bytes.windows(BETWEEN.len()).position(|window| window == BETWEEN);
        match end.filter(|_| i + 1 < N) {
            Some(end) => {
                let part = &bytes[..end];
                bytes = &bytes[end + BETWEEN.len()..];
                part
            }
            None => std::mem::take(&mut bytes),
        }
    })
}

/// The input of these files.
#[cfg(test)]
pub fn join(parts: &[Vec<u8>]) -> Vec<u8> {
    parts.join(BETWEEN)
}
