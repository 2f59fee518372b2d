//! Memory of this process, as the system counts it: how much it has now, and the most that it had. In: `/proc/self/status`. Out: bytes, or none where the
//! system does not say.

/// Bytes that are in memory now.
pub fn resident() -> Option<u64> {
    read("VmRSS:")
}

/// The most bytes that were in memory.
pub fn peak() -> Option<u64> {
    read("VmHWM:")
}

fn read(name: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()?.checked_mul(1 << 10)
}

#[cfg(test)]
mod tests {
    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_is_in_memory() {
        let now = super::resident().unwrap();
        assert!(now > 1 << 20 && super::peak().is_some_and(|peak| peak >= now));
    }
}
