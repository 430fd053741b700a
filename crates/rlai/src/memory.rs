//! How much memory this process may still take, on Linux; elsewhere nothing is known.
//!
//! Asking for memory succeeds where there is none: pages are given when they are first written to, and then
//! the process is killed. So what a run will need is compared with what there is before it starts.

use std::fs;
use std::path::{Path, PathBuf};

/// What is left of a limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Left {
    /// Bytes.
    pub(crate) bytes: u64,
    /// Which limit it is.
    pub(crate) limit: String,
}

/// The limit of which the least is left; none if none is known.
pub(crate) fn left() -> Option<Left> {
    let limits = [machine(), control_group(), address_space(), data()];
    limits.into_iter().flatten().min_by_key(|left| left.bytes)
}

fn machine() -> Option<Left> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let bytes = field(&text, "MemAvailable:")? + field(&text, "SwapFree:").unwrap_or(0);
    Some(Left { bytes, limit: "the machine's memory".to_owned() })
}

/// What `ulimit -v` sets.
fn address_space() -> Option<Left> {
    let bytes = limit("Max address space")?.saturating_sub(status("VmSize:")?);
    Some(Left { bytes, limit: "the limit of the address space (ulimit -v)".to_owned() })
}

/// What `ulimit -d` sets.
fn data() -> Option<Left> {
    let bytes = limit("Max data size")?.saturating_sub(status("VmData:")?);
    Some(Left { bytes, limit: "the limit of data (ulimit -d)".to_owned() })
}

fn status(name: &str) -> Option<u64> {
    field(&fs::read_to_string("/proc/self/status").ok()?, name)
}

/// The soft limit of this name in `/proc/self/limits`; none if there is none.
fn limit(name: &str) -> Option<u64> {
    let text = fs::read_to_string("/proc/self/limits").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

/// `NAME  NUMBER kB`, in bytes.
fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let number: u64 = line.split_ascii_whitespace().next()?.parse().ok()?;
    number.checked_mul(1024)
}

/// Names of the files of one kind of control groups.
struct Names {
    limit: &'static str,
    usage: &'static str,
    /// Lines of `memory.stat`: cached files, which are dropped when memory is needed, and what is counted
    /// with them and is not.
    cache: [&'static str; 2],
}

const FIRST: Names = Names {
    limit: "memory.limit_in_bytes",
    usage: "memory.usage_in_bytes",
    cache: ["total_cache ", "total_shmem "],
};
const SECOND: Names =
    Names { limit: "memory.max", usage: "memory.current", cache: ["file ", "shmem "] };

fn control_group() -> Option<Left> {
    let text = fs::read_to_string("/proc/self/cgroup").ok()?;
    let groups = text.lines().filter_map(|line| {
        let mut parts = line.splitn(3, ':');
        let (number, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
        let path = path.trim_start_matches('/');
        match controllers.split(',').any(|name| name == "memory") {
            true => Some((PathBuf::from("/sys/fs/cgroup/memory"), path, &FIRST)),
            false if number == "0" => Some((PathBuf::from("/sys/fs/cgroup"), path, &SECOND)),
            false => None,
        }
    });
    groups.filter_map(|(root, path, names)| least_of(&root, path, names)).min_by_key(|l| l.bytes)
}

/// A group is held to the limits of all that it is in. In a container only some of them are seen, and the
/// root is then its own.
fn least_of(root: &Path, path: &str, names: &Names) -> Option<Left> {
    let own = root.join(path);
    let groups = own.ancestors().take_while(|group| group.starts_with(root));
    groups.filter_map(|group| left_in(group, names)).min_by_key(|left| left.bytes)
}

fn left_in(group: &Path, names: &Names) -> Option<Left> {
    let number = |name: &str| -> Option<u64> {
        fs::read_to_string(group.join(name)).ok()?.trim().parse().ok()
    };
    let (limit, usage) = (number(names.limit)?, number(names.usage)?);
    let stat = fs::read_to_string(group.join("memory.stat")).unwrap_or_default();
    let line = |name: &str| -> u64 {
        let found = stat.lines().find_map(|line| line.strip_prefix(name));
        found.and_then(|number| number.trim().parse().ok()).unwrap_or(0)
    };
    let cached = line(names.cache[0]).saturating_sub(line(names.cache[1]));
    let bytes = limit.saturating_sub(usage.saturating_sub(cached));
    Some(Left { bytes, limit: format!("the limit of the control group {}", group.display()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_read_in_bytes() {
        let text = "MemTotal:       24684084 kB\nMemAvailable:   23897276 kB\n";
        assert_eq!(field(text, "MemAvailable:"), Some(23_897_276 * 1024));
        assert_eq!(field(text, "SwapFree:"), None);
        assert_eq!(field("MemAvailable: many kB", "MemAvailable:"), None);
    }

    #[test]
    fn the_tightest_group_counts_without_its_cached_files() {
        let root = tempfile::tempdir().unwrap();
        let group = root.path().join("outer/inner");
        fs::create_dir_all(&group).unwrap();
        let write = |folder: &Path, name: &str, text: &str| {
            fs::write(folder.join(name), text).unwrap();
        };
        let outer = root.path().join("outer");
        for (folder, limit) in [(&group, "max"), (&outer, "1000")] {
            write(folder, "memory.max", limit);
            write(folder, "memory.current", "700\n");
            write(folder, "memory.stat", "anon 100\nfile 600\nshmem 50\n");
        }
        let left = least_of(root.path(), "outer/inner", &SECOND).unwrap();
        assert_eq!(left.bytes, 1000 - (700 - 550));
        assert!(left.limit.ends_with("outer"), "{left:?}");
        write(&group, "memory.max", "710");
        assert_eq!(least_of(root.path(), "outer/inner", &SECOND).unwrap().bytes, 710 - 150);
        write(&group, "memory.limit_in_bytes", "300");
        write(&group, "memory.usage_in_bytes", "200");
        // More cached files than there are pages in use would be nonsense: nothing below zero.
        write(&group, "memory.stat", "cache 9\ntotal_cache 500\ntotal_shmem 0\n");
        assert_eq!(least_of(root.path(), "outer/inner", &FIRST).unwrap().bytes, 300);
        assert_eq!(least_of(root.path(), "elsewhere", &SECOND), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_machine_has_memory() {
        let left = left().unwrap();
        assert!(left.bytes > 1 << 20, "{left:?}");
    }
}
