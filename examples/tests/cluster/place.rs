//! What a cluster takes of the machine: a directory and ports.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// A directory of its own, removed when dropped (unless `CLUSTER_KEEP` is set).
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
}

impl Directory {
    /// An empty directory, on the disk where cargo builds.
    pub fn new() -> Self {
        let name = format!("cluster-{}-{}", std::process::id(), unique());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self { path }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        if std::env::var_os("CLUSTER_KEEP").is_some() {
            println!("kept: {}", self.path.display());
        } else if let Err(error) = fs::remove_dir_all(&self.path) {
            println!("cannot remove {}: {error}", self.path.display());
        }
    }
}

/// A number that this process has not been given yet.
fn unique() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// An address on 127.0.0.1 that is free for UDP and TCP.
///
/// It has to stay free while its node is dead, so its port is not one of those that the system
/// hands out by itself: else the next connection of a client could take it, or even connect to
/// itself. Linux hands out ports from 32768 up, others higher ones.
pub fn free_address() -> SocketAddr {
    const FIRST: u16 = 10_000;
    const COUNT: u16 = 20_000;
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.subsec_nanos());
    let start = std::process::id().wrapping_mul(7_919).wrapping_add(nanos / 1_000);
    let start = u16::try_from(start % u32::from(COUNT)).expect("it is below a u16");
    for _ in 0..COUNT {
        let port = FIRST + start.wrapping_add(unique()) % COUNT;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if UdpSocket::bind(address).is_ok() && TcpListener::bind(address).is_ok() {
            return address;
        }
    }
    panic!("no port is free");
}
