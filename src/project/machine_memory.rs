//! `memory = "auto"`: a share of the memory that this process may use at most, that of its cgroup or of the machine.
//!
//! In: `/proc` and `/sys/fs/cgroup`. Out: bytes. A scheduler (Slurm, Kubernetes) kills what exceeds the limit of its cgroup, so it counts
//! before the machine's memory.

use std::path::Path;

/// The rest is for the system, the page cache and what other processes of the machine need.
const SHARE: f64 = 0.6;

/// Where neither can be read.
const UNKNOWN: u64 = 2 << 30;

/// Bytes that the process may use.
pub(super) fn share() -> u64 {
    let read = |path: &str| std::fs::read_to_string(path).ok();
    let machine = read("/proc/meminfo").and_then(|text| total_of(&text));
    let cgroup = read("/proc/self/cgroup").and_then(|text| limit_of(&text, &|path| std::fs::read_to_string(path).ok()));
    let least = machine.into_iter().chain(cgroup).min();
    least.map_or(UNKNOWN, |bytes| (bytes as f64 * SHARE) as u64)
}

/// The machine's memory, as `/proc/meminfo` says it.
fn total_of(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib << 10)
}

/// The least limit of a process's cgroups and those above them, as `/proc/self/cgroup` names them.
fn limit_of(cgroups: &str, read: &dyn Fn(&Path) -> Option<String>) -> Option<u64> {
    let mut limits = Vec::new();
    for line in cgroups.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else { continue };
        let (root, file) = match controllers {
            "" => ("/sys/fs/cgroup", "memory.max"),
            of if of.split(',').any(|name| name == "memory") => ("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
            _ => continue,
        };
        // Inside a container its own group is mounted as the root.
        for group in Path::new(path.trim_start_matches('/')).ancestors() {
            // `max` is no limit, and no number.
            limits
                .extend(read(&Path::new(root).join(group).join(file)).and_then(|text| text.trim().parse::<u64>().ok()));
        }
    }
    limits.into_iter().min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_limit_counts() {
        assert_eq!(total_of("MemFree: 1 kB\nMemTotal:       16384 kB\n"), Some(16 << 20));
        let files = [
            ("/sys/fs/cgroup/slurm/job/memory.max", "max\n"),
            ("/sys/fs/cgroup/slurm/memory.max", "4096\n"),
            ("/sys/fs/cgroup/memory.max", "8192\n"),
            ("/sys/fs/cgroup/memory/docker/memory.limit_in_bytes", "1024\n"),
        ];
        let read =
            |path: &Path| files.iter().find(|(name, _)| Path::new(name) == path).map(|(_, text)| (*text).to_owned());
        assert_eq!(limit_of("0::/slurm/job\n", &read), Some(4096));
        assert_eq!(limit_of("5:cpu,memory:/docker\n1:cpuset:/\n", &read), Some(1024));
        assert_eq!(limit_of("0::/../..\n", &|_| None), None);
        assert!(share() > 0);
    }
}
