//! NumPy's array files: actions and data sets are read, rollouts and recordings are written.
//!
//! The reader is strict and believes nothing: a header is small, a shape must fit the data's length,
//! and memory is only taken for data that is there. In an archive data may be there that takes a
//! thousandth of its size in the file; of it no more is unpacked than the header announces, and of all
//! arrays together no more than [`MOST_UNPACKED`] bytes for each of the file's. The format is NumPy's
//! enhancement proposal 1.

use std::fs;
use std::io::{self, Read, Seek, Write};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use rlai::files;
use zip::write::SimpleFileOptions;

/// Largest file of one array that is read, in bytes.
const LARGEST_FILE: u64 = 1 << 32;
const MAGIC: &[u8] = b"\x93NUMPY";
/// An honest header of a plain array has some 120 bytes.
const LONGEST_HEADER: usize = 4096;

/// Bytes that may be unpacked for each byte of an archive: deflate makes at most 1032 of one, and of numbers
/// that somebody measured a few. What is there and more compressible can be saved as it is.
const MOST_UNPACKED: u64 = 64;

/// What may be unpacked whatever the size of the archive, so that small ones need not be measured.
const ALWAYS_UNPACKED: u64 = 1 << 16;

/// What comes before a header: the magic, the version and the header's length, in 2 or 4 bytes.
const LONGEST_START: usize = MAGIC.len() + 6;

/// The numbers of an array in the precision of the file.
#[derive(Debug, PartialEq)]
pub enum Values {
    /// Single precision.
    F32(Vec<f32>),
    /// Double precision.
    F64(Vec<f64>),
    /// Truth values.
    Bool(Vec<bool>),
}

impl Values {
    /// The numbers in single precision; none if they are truth values.
    pub fn into_f32(self) -> Option<Vec<f32>> {
        match self {
            Self::F32(values) => Some(values),
            Self::F64(values) => Some(values.into_iter().map(|value| value as f32).collect()),
            Self::Bool(_) => None,
        }
    }
}

/// An array of numbers in C order.
#[derive(Debug, PartialEq)]
pub struct Array {
    /// Length of each axis.
    pub shape: Vec<u64>,
    /// The numbers.
    pub values: Values,
}

/// Reads a `.npy` file.
///
/// # Errors
/// When it is not an array of floats in C order.
pub fn read(path: &Path) -> Result<Array> {
    parse(&files::read(path, LARGEST_FILE)?)
}

/// Reads the bytes of a `.npy` file.
///
/// # Errors
/// As [`read`].
pub fn parse(bytes: &[u8]) -> Result<Array> {
    let (header, data) = split(bytes)?;
    let Header { item, shape } = Header::parse(header)?;
    let values = match item {
        Item::F32 => Values::F32(numbers(&shape, data, f32::from_le_bytes)?),
        Item::F64 => Values::F64(numbers(&shape, data, f64::from_le_bytes)?),
        Item::Bool => Values::Bool(numbers(&shape, data, |[byte]: [u8; 1]| byte != 0)?),
    };
    Ok(Array { shape, values })
}

/// The bytes of an array that is unpacked: the header first, then no more than it announces and one
/// byte, which tells that there is too much. Refused if the header announces more than `most` bytes.
fn unpack(mut file: impl io::Read, most: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let first = LONGEST_START + LONGEST_HEADER;
    file.by_ref().take(first as u64).read_to_end(&mut bytes)?;
    let (header, data) = split(&bytes)?;
    let start = (bytes.len() - data.len()) as u64;
    let whole = Header::parse(header)?.data_bytes().and_then(|data| data.checked_add(start + 1));
    let whole = whole.context("a shape of more bytes than there can be")?;
    ensure!(
        whole <= most,
        "unpacked, the arrays have more than {MOST_UNPACKED} times the archive's size: save them with \
         numpy.savez, not savez_compressed"
    );
    file.take(whole.saturating_sub(bytes.len() as u64)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The header's text and the data.
fn split(bytes: &[u8]) -> Result<(&str, &[u8])> {
    const OTHER: &str = "not a NumPy file (.npy) of format 1, 2 or 3";
    let rest = bytes.strip_prefix(MAGIC).context(OTHER)?;
    let (length, rest) = match rest {
        [1, _, a, b, rest @ ..] => (usize::from(u16::from_le_bytes([*a, *b])), rest),
        [2 | 3, _, a, b, c, d, rest @ ..] => (u32::from_le_bytes([*a, *b, *c, *d]) as usize, rest),
        _ => bail!(OTHER),
    };
    ensure!(
        length <= LONGEST_HEADER,
        "a header of {length} bytes: at most {LONGEST_HEADER} expected"
    );
    let (header, data) = rest.split_at_checked(length).context("the header is cut off")?;
    Ok((str::from_utf8(header).context("the header is not text")?, data))
}

fn numbers<T, const N: usize>(
    shape: &[u64],
    data: &[u8],
    from_bytes: fn([u8; N]) -> T,
) -> Result<Vec<T>> {
    let bytes = data.len();
    ensure!(
        product(shape, N as u64) == Some(bytes as u64),
        "shape {shape:?} does not fit the {bytes} bytes of data"
    );
    Ok(data.as_chunks::<N>().0.iter().map(|&value| from_bytes(value)).collect())
}

/// Bytes of an array of this shape, if that is a number.
fn product(shape: &[u64], item: u64) -> Option<u64> {
    shape.iter().try_fold(item, |product, &axis| product.checked_mul(axis))
}

/// What an array consists of.
#[derive(Clone, Copy)]
enum Item {
    F32,
    F64,
    Bool,
}

struct Header {
    item: Item,
    shape: Vec<u64>,
}

impl Header {
    /// Reads `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }`.
    fn parse(text: &str) -> Result<Self> {
        let value = |key| {
            after_key(text, key).with_context(|| format!("no {key:?} in the header {text:?}"))
        };
        let descr = quoted(value("descr")?).context("dtype with fields: plain floats expected")?;
        let order = value("fortran_order")?;
        let fortran_order = order.starts_with("True");
        ensure!(fortran_order || order.starts_with("False"), "fortran_order is no truth value");
        let shape = tuple(value("shape")?).context("the shape is no tuple of lengths")?;
        if fortran_order {
            bail!("the array is in Fortran order: C order expected (numpy.ascontiguousarray)");
        }
        let item = match descr {
            "<f4" => Item::F32,
            "<f8" => Item::F64,
            "|b1" => Item::Bool,
            _ => {
                bail!("dtype {descr:?}: float32, float64 or bool ('<f4', '<f8' or '|b1') expected")
            }
        };
        Ok(Self { item, shape })
    }

    fn data_bytes(&self) -> Option<u64> {
        let item = match self.item {
            Item::F32 => 4,
            Item::F64 => 8,
            Item::Bool => 1,
        };
        product(&self.shape, item)
    }
}

/// What follows `'key':`.
fn after_key<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let find = |quote: char| text.split_once(&format!("{quote}{key}{quote}"));
    let (_, rest) = find('\'').or_else(|| find('"'))?;
    rest.trim_start().strip_prefix(':').map(str::trim_start)
}

fn quoted(text: &str) -> Option<&str> {
    let quote = text.chars().next().filter(|quote| ['\'', '"'].contains(quote))?;
    text[1..].split_once(quote).map(|(inside, _)| inside)
}

fn tuple(text: &str) -> Option<Vec<u64>> {
    let (inside, _) = text.strip_prefix('(')?.split_once(')')?;
    let inside = inside.trim().trim_end_matches(',');
    if inside.is_empty() {
        return Some(Vec::new());
    }
    inside.split(',').map(|axis| axis.trim().parse().ok()).collect()
}

/// The bytes of a `.npy` file.
fn npy_bytes(descr: &str, shape: &[usize], data: impl Iterator<Item = u8>) -> Vec<u8> {
    let axes: Vec<String> = shape.iter().map(|axis| format!("{axis},")).collect();
    let shape = axes.join(" ");
    let mut header =
        format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}");
    // The data starts at a multiple of 64 bytes, after 10 bytes and a header that ends in a newline.
    let padding = (64 - (MAGIC.len() + 4 + header.len() + 1) % 64) % 64;
    header.push_str(&" ".repeat(padding));
    header.push('\n');
    let mut bytes = MAGIC.to_vec();
    bytes.extend([1, 0]);
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.into_bytes());
    bytes.extend(data);
    bytes
}

/// A `.npz` file that is being written.
pub struct NpzWriter<W: Write + Seek> {
    archive: zip::ZipWriter<W>,
}

impl<W: Write + Seek> NpzWriter<W> {
    /// Starts a file.
    pub fn new(writer: W) -> Self {
        Self { archive: zip::ZipWriter::new(writer) }
    }

    /// Adds an array of doubles.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn add_f64(&mut self, name: &str, shape: &[usize], values: &[f64]) -> io::Result<()> {
        let data = values.iter().flat_map(|value| value.to_le_bytes());
        self.add(name, &npy_bytes("<f8", shape, data))
    }

    /// Adds an array of truth values.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn add_bool(&mut self, name: &str, shape: &[usize], values: &[bool]) -> io::Result<()> {
        self.add(name, &npy_bytes("|b1", shape, values.iter().map(|&value| u8::from(value))))
    }

    fn add(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let options = SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Stored)
            .large_file(bytes.len() > u32::MAX as usize);
        self.archive.start_file(format!("{name}.npy"), options).map_err(io::Error::other)?;
        self.archive.write_all(bytes)
    }

    /// Ends the file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(self) -> io::Result<W> {
        self.archive.finish().map_err(io::Error::other)
    }
}

/// Temporary files are private, this one no longer is one.
///
/// # Errors
/// When the file system refuses.
pub fn readable_by_all(file: &fs::File) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.set_permissions(fs::Permissions::from_mode(0o644))?;
    }
    let _ = file;
    Ok(())
}

/// A `.npz` file: an archive of arrays under their names.
pub struct Npz<R> {
    archive: zip::ZipArchive<R>,
    /// Bytes that may still be unpacked.
    left: u64,
}

impl Npz<io::BufReader<fs::File>> {
    /// Opens a file; nothing but its directory is read yet.
    ///
    /// # Errors
    /// When it is not an archive.
    pub fn open(path: &Path) -> Result<Self> {
        Self::new(io::BufReader::new(files::open(path)?))
    }
}

impl<'a> Npz<io::Cursor<&'a [u8]>> {
    /// The archive in these bytes.
    ///
    /// # Errors
    /// When they are not an archive.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        Self::new(io::Cursor::new(bytes))
    }
}

impl<R: io::Read + Seek> Npz<R> {
    fn new(mut reader: R) -> Result<Self> {
        let size = reader.seek(io::SeekFrom::End(0))?;
        let archive = zip::ZipArchive::new(reader).context("not a NumPy archive (.npz)")?;
        Ok(Self { archive, left: size.saturating_mul(MOST_UNPACKED).max(ALWAYS_UNPACKED) })
    }

    /// Whether there is an array of this name.
    pub fn contains(&self, name: &str) -> bool {
        self.archive.index_for_name(&format!("{name}.npy")).is_some()
    }

    /// The array of this name.
    ///
    /// # Errors
    /// When there is none, it is not an array that [`parse`] reads, or it unpacks to too much.
    pub fn array(&mut self, name: &str) -> Result<Array> {
        let file = self.archive.by_name(&format!("{name}.npy"))?;
        let bytes = unpack(file, self.left).with_context(|| name.to_owned())?;
        self.left -= (bytes.len() as u64).min(self.left);
        parse(&bytes).with_context(|| name.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, data: &[u8]) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend([1, 0]);
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        bytes
    }

    fn header(descr: &str, fortran: &str, shape: &str) -> String {
        format!("{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}\n")
    }

    fn complaint(header: &str, data: &[u8]) -> String {
        parse(&file(header, data)).unwrap_err().to_string()
    }

    #[test]
    fn arrays_of_both_precisions_are_read() {
        let data: Vec<u8> = [1.5f32, -2.0].iter().flat_map(|v| v.to_le_bytes()).collect();
        let array = parse(&file(&header("'<f4'", "False", "(1, 2)"), &data)).unwrap();
        assert_eq!(array, Array { shape: vec![1, 2], values: Values::F32(vec![1.5, -2.0]) });
        let array = parse(&file(&header("'<f8'", "False", "(1,)"), &0.1f64.to_le_bytes())).unwrap();
        assert_eq!(array, Array { shape: vec![1], values: Values::F64(vec![0.1]) });
    }

    #[test]
    fn other_arrays_are_refused_with_the_reason() {
        let eight = [0; 8];
        assert!(complaint(&header("'<i8'", "False", "(1,)"), &eight).contains("dtype \"<i8\""));
        assert!(complaint(&header("'>f8'", "False", "(1,)"), &eight).contains("dtype \">f8\""));
        assert!(complaint(&header("[('a', '<f8')]", "False", "(1,)"), &eight).contains("fields"));
        assert!(complaint(&header("'<f8'", "True", "(1,)"), &eight).contains("Fortran"));
        assert!(complaint(&header("'<f8'", "False", "(2,)"), &eight).contains("8 bytes"));
        assert!(complaint("{}", &eight).contains("descr"));
        assert!(complaint(&header("'<f8'", "Maybe", "(1,)"), &eight).contains("truth value"));
        assert!(complaint(&header("'<f8'", "False", "(-1,)"), &eight).contains("shape"));
    }

    #[test]
    fn hostile_headers_neither_panic_nor_take_memory() {
        let huge = "(18446744073709551615, 18446744073709551615)";
        assert!(complaint(&header("'<f8'", "False", huge), &[]).contains("does not fit"));
        assert!(complaint(&header("'<f8'", "False", "(4000000000, 4)"), &[]).contains("fit"));
        let mut bytes = MAGIC.to_vec();
        bytes.extend([2, 0, 255, 255, 255, 255]);
        let message = parse(&bytes).unwrap_err().to_string();
        assert!(message.contains("4294967295 bytes"), "{message}");
        let nested = "[".repeat(4000);
        assert!(complaint(&nested, &[]).contains("descr"));
        let whole = file(&header("'<f8'", "False", "(1,)"), &[0; 8]);
        for length in 0..whole.len() {
            assert!(parse(&whole[..length]).is_err(), "cut off at {length}");
        }
        assert!(parse(&file("{'descr': 'é", &[])).is_err());
    }

    #[test]
    fn what_is_written_is_read_back() {
        let mut writer = NpzWriter::new(io::Cursor::new(Vec::new()));
        writer.add_f64("rewards", &[3], &[1.0, f64::NAN, -0.0]).unwrap();
        writer.add_f64("observations", &[0, 2], &[]).unwrap();
        writer.add_bool("terminated", &[2], &[true, false]).unwrap();
        let bytes = writer.finish().unwrap().into_inner();
        let Values::F64(rewards) = read(&bytes, "rewards").unwrap().values else { panic!() };
        let bits: Vec<u64> = rewards.iter().map(|value| value.to_bits()).collect();
        assert_eq!(bits, [1.0, f64::NAN, -0.0].map(f64::to_bits));
        assert_eq!(read(&bytes, "observations").unwrap().shape, [0, 2]);
        let flags = read(&bytes, "terminated").unwrap().values;
        assert_eq!(flags, Values::Bool(vec![true, false]));
        assert!(read(&bytes, "absent").is_err());
        for length in 0..bytes.len() {
            assert!(read(&bytes[..length], "rewards").is_err(), "cut off at {length}");
        }
    }

    /// Zeros without end under a header of three numbers, and of a thousand.
    #[test]
    fn no_more_is_unpacked_than_the_header_announces() {
        for (shape, most) in [("(3,)", LONGEST_START + LONGEST_HEADER), ("(1000,)", 9_000)] {
            let start = file(&header("'<f8'", "False", shape), &[]);
            let bytes = unpack(start.as_slice().chain(io::repeat(0)), 1 << 20).unwrap();
            assert!(bytes.len() <= most, "{shape}: {}", bytes.len());
            let message = parse(&bytes).unwrap_err().to_string();
            assert!(message.contains("does not fit"), "{message}");
        }
        let huge = file(&header("'<f8'", "False", "(4000000000, 4000000000)"), &[]);
        let message =
            unpack(huge.as_slice().chain(io::repeat(0)), 1 << 20).unwrap_err().to_string();
        assert!(message.contains("more bytes than there can be"), "{message}");
        assert!(unpack(io::repeat(0), 1 << 20).is_err(), "no header");
    }

    #[test]
    fn packed_zeros_under_a_small_header_are_refused() {
        let mut archive = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
        archive.start_file("rewards.npy", SimpleFileOptions::default()).unwrap();
        let zeros = vec![0; 1_000_000];
        archive.write_all(&file(&header("'<f8'", "False", "(1000,)"), &zeros)).unwrap();
        let bytes = archive.finish().unwrap().into_inner();
        assert!(bytes.len() < 10_000, "deflated");
        let message = format!("{:#}", read(&bytes, "rewards").unwrap_err());
        assert!(message.contains("does not fit the 8001 bytes"), "{message}");
    }

    /// Honest headers over packed zeros: the archive's size is the measure, for all arrays together.
    #[test]
    fn arrays_of_many_times_the_archives_size_are_refused() {
        let archive = |numbers: usize| {
            let mut archive = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
            for name in ["one.npy", "other.npy"] {
                archive.start_file(name, SimpleFileOptions::default()).unwrap();
                let shape = format!("({numbers},)");
                archive
                    .write_all(&file(&header("'<f8'", "False", &shape), &vec![0; 8 * numbers]))
                    .unwrap();
            }
            archive.finish().unwrap().into_inner()
        };
        let small = archive(5_000);
        let mut npz = Npz::parse(&small).unwrap();
        assert_eq!(npz.array("one").unwrap().shape, [5_000]);
        let message = format!("{:#}", npz.array("other").unwrap_err());
        assert!(message.contains("more than 64 times"), "{message}");
        let message = format!("{:#}", read(&archive(200_000), "one").unwrap_err());
        assert!(message.contains("numpy.savez"), "{message}");
    }

    fn read(bytes: &[u8], name: &str) -> Result<Array> {
        Npz::parse(bytes)?.array(name)
    }
}
