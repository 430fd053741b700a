//! Files that somebody damaged: seeds with a few changes, the same ones on every machine.

/// SplitMix64 (Steele, Lea and Flood 2014).
pub struct Random(u64);

impl Random {
    /// A sequence of this name and number.
    pub fn new(name: &str, round: u64) -> Self {
        let of_name =
            name.bytes().fold(0u64, |h, byte| h.wrapping_mul(31).wrapping_add(byte.into()));
        Self(of_name ^ round.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`, which is not 0.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn one<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }
}

/// What numbers are replaced by.
const NUMBERS: [&str; 24] = [
    "0",
    "-0",
    "-1",
    "1",
    "2",
    "255",
    "65536",
    "1001",
    "2147483648",
    "4294967295",
    "4294967296",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "-9223372036854775808",
    "1e308",
    "1e999",
    "-1e999",
    "5e-324",
    "1e-320",
    "nan",
    "inf",
    "0.1",
];

/// What is put in anywhere.
const PIECES: [&[u8]; 20] = [
    b"null",
    b"true",
    b"{}",
    b"[]",
    b"\"\"",
    b",",
    b":",
    b"=",
    b"\n",
    b"#",
    b"[[a]]\n",
    b"\xff\xfe",
    b"\xc3",
    b"\0",
    b"\xf0\x9f\x98\x80",
    b"\\u0000",
    b"\"a\":1,",
    b"a.b.c=1\n",
    b"'''",
    b"-",
];

/// What is repeated without measure.
const OPENINGS: [&[u8]; 8] = [b"[", b"{\"a\":", b"(", b"a.", b"{a=", b"[[", b"0,", b"\"\"\"\n"];

/// One of the seeds with a few changes. In every second one only numbers change: most files that are
/// changed elsewhere are refused before anything in them is used.
pub fn mutated(seeds: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut bytes = seeds[random.below(seeds.len())].clone();
    let only_numbers = random.below(2) == 0;
    loop {
        match only_numbers {
            true => replace_number(&mut bytes, random),
            false => change(&mut bytes, seeds, random),
        }
        if random.below(2) == 0 {
            return bytes;
        }
    }
}

fn change(bytes: &mut Vec<u8>, seeds: &[Vec<u8>], random: &mut Random) {
    match random.below(12) {
        0 => with_place(bytes, random, |byte, random| *byte ^= 1 << random.below(8)),
        1 => with_place(bytes, random, |byte, random| *byte = random.next() as u8),
        2 => bytes.truncate(random.below(bytes.len() + 1)),
        3 => drop(bytes.drain(range(bytes.len(), random))),
        4 => repeat(bytes, random),
        5 => splice(bytes, seeds, random),
        6 => insert(bytes, random.one(&PIECES), random),
        7 => {
            let times = [3, 130, 5_000][random.below(3)];
            let piece = random.one(&OPENINGS).repeat(times);
            insert(bytes, &piece, random);
        }
        8 => binary_number(bytes, random),
        _ => replace_number(bytes, random),
    }
}

fn with_place(bytes: &mut [u8], random: &mut Random, to: impl Fn(&mut u8, &mut Random)) {
    if !bytes.is_empty() {
        let at = random.below(bytes.len());
        to(&mut bytes[at], random);
    }
}

fn range(length: usize, random: &mut Random) -> std::ops::Range<usize> {
    let start = random.below(length + 1);
    start..start + random.below((length - start).min(200) + 1)
}

fn insert(bytes: &mut Vec<u8>, piece: &[u8], random: &mut Random) {
    let at = random.below(bytes.len() + 1);
    bytes.splice(at..at, piece.iter().copied());
}

/// A part of the file several times.
fn repeat(bytes: &mut Vec<u8>, random: &mut Random) {
    let piece = bytes[range(bytes.len(), random)].to_vec();
    let times = [1, 2, 40][random.below(3)];
    insert(bytes, &piece.repeat(times), random);
}

/// A part of another seed in the place of a part of this one.
fn splice(bytes: &mut Vec<u8>, seeds: &[Vec<u8>], random: &mut Random) {
    let other = &seeds[random.below(seeds.len())];
    let piece = other[range(other.len(), random)].to_vec();
    bytes.splice(range(bytes.len(), random), piece);
}

/// Four or eight bytes by a number near an end of its type.
fn binary_number(bytes: &mut [u8], random: &mut Random) {
    let number = [0, 1, u64::MAX, u64::MAX / 2, u64::from(u32::MAX), 1 << 31, 1 << 40]
        [random.below(7)]
    .wrapping_add(random.below(3) as u64)
    .to_le_bytes();
    let width = [4, 8][random.below(2)].min(bytes.len());
    let at = random.below(bytes.len() - width + 1);
    bytes[at..at + width].copy_from_slice(&number[..width]);
}

/// A number of the text by one of [`NUMBERS`].
fn replace_number(bytes: &mut Vec<u8>, random: &mut Random) {
    let digit = |byte: &u8| byte.is_ascii_digit();
    let starts: Vec<usize> = (0..bytes.len())
        .filter(|&i| digit(&bytes[i]) && (i == 0 || !digit(&bytes[i - 1])))
        .collect();
    if starts.is_empty() {
        return;
    }
    let start = starts[random.below(starts.len())];
    let part = |byte: &u8| byte.is_ascii_digit() || b".eE+-".contains(byte);
    let length = bytes[start..].iter().position(|byte| !part(byte)).unwrap_or(bytes.len() - start);
    bytes.splice(start..start + length, random.one(&NUMBERS).bytes());
}
