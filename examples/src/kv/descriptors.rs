//! How many file descriptors there are. The journal must not lack one because of clients: a node
//! whose journal cannot be written halts.

/// Descriptors for everything that is neither a segment of the journal nor a client.
const OTHERS: u64 = 32;

/// The most clients, of the `wanted` ones, that leave enough descriptors for a journal of
/// `segments`.
pub fn clients_max(wanted: usize, segments: u32) -> usize {
    let Some(limit) = limit() else { return wanted };
    let free = limit.saturating_sub(OTHERS).saturating_sub(u64::from(segments));
    wanted.min(usize::try_from(free).unwrap_or(usize::MAX)).max(1)
}

/// The limit of this process, where the operating system tells it in a file.
fn limit() -> Option<u64> {
    parse(&std::fs::read_to_string("/proc/self/limits").ok()?)
}

fn parse(limits: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_counts() {
        let text = "Limit                     Soft Limit           Hard Limit           Units\n\
                    Max processes             95934                95934                processes\n\
                    Max open files            1024                 1048576              files\n";
        assert_eq!(parse(text), Some(1_024));
        assert_eq!(parse("Max open files            unlimited            unlimited"), None);
        assert_eq!(parse(""), None);
    }
}
