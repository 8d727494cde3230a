//! The sizes that this crate's README states are the sizes there are.

use adapter_std::memory::MemoryMedium;
use raft_nostd::journal::Writer;
use raft_nostd::vault::Vault;
use raft_nostd::{
    ClusterId, Committed, Config, Driver, Event, Host, Loading, NodeId, Position, Raft,
    StateMachine, Transport,
};

struct Nothing;

impl StateMachine for Nothing {
    type Response = ();
    fn apply(&mut self, _: Committed<'_>) {}
    fn query(&self, _: &[u8]) {}
}

impl Transport for Nothing {
    fn send(&mut self, _: NodeId, _: &[u8]) {}
}

impl Host for Nothing {
    type Memory = &'static mut [u8];
    type Medium = MemoryMedium;
    type Snapshots = Option<MemoryMedium>;
    type Transport = Self;
    type Machine = Self;
    fn medium(&mut self) -> &mut MemoryMedium {
        unreachable!()
    }
    fn snapshots(&mut self) -> &mut Option<MemoryMedium> {
        unreachable!()
    }
    fn transport(&mut self) -> &mut Self {
        self
    }
    fn machine(&mut self) -> &mut Self {
        self
    }
    fn applied(&mut self, _: Position, (): ()) {}
    fn event(&mut self, _: Event) {}
}

/// The numbers of a row of the table: the cells behind the first, without their commas.
fn row(name: &str) -> Vec<usize> {
    let text = include_str!("../README.md");
    let line = text.lines().find(|line| line.starts_with(&format!("| {name}")));
    let line = line.unwrap_or_else(|| panic!("no row {name:?}"));
    let cells = line.trim_matches('|').split('|').skip(1);
    cells.map(|cell| cell.trim().replace(',', "").parse().unwrap()).collect()
}

#[test]
fn the_table_tells_the_truth() {
    let voters = [1, 2, 3].map(|id| NodeId::new(id).unwrap());
    let (cluster, me) = (ClusterId(1), voters[0]);
    let configs = [
        Config::tiny(cluster, me, &voters),
        Config::new(cluster, me, &voters),
        Config::server(cluster, me, &voters),
    ];
    let logs = [Config::TINY_LOG, 256 << 10, 272 << 20];
    assert_eq!(row("entries"), configs.clone().map(|config| config.log_entries as usize));
    assert_eq!(
        row("bytes in the longest command"),
        configs.clone().map(|c| c.max_command as usize)
    );
    assert_eq!(
        row("bytes of each datagram buffer"),
        configs.clone().map(|c| c.max_datagram as usize)
    );
    assert_eq!(row("bytes of the longest chunk"), configs.clone().map(|c| c.max_chunk() as usize));
    assert_eq!(row("bytes of memory for the log"), logs);
    for (config, log) in configs.iter().zip(logs) {
        Loading::new::<3>(config, vec![0; log]).expect("the memory is enough");
    }

    type Borrowed = &'static mut [u8];
    let values = [
        size_of::<Raft<Borrowed, 3>>(),
        size_of::<Raft<Borrowed, 3>>(),
        size_of::<Raft<Borrowed, 7>>(),
    ];
    assert_eq!(row("bytes of a `Raft` with 3, 3 and 7 voters"), values);
    if !cfg!(feature = "fast-crc") {
        return; // The small CRC's state is smaller; the table is of the default features.
    }
    let beside = size_of::<Writer>() + size_of::<Vault>();
    assert_eq!(row("bytes of journal and vault"), [beside; 3]);
    let driver = [
        size_of::<Driver<Nothing, 3>>(),
        size_of::<Driver<Nothing, 3>>(),
        size_of::<Driver<Nothing, 7>>(),
    ];
    assert_eq!(row("bytes of a `Driver`, all of these in it"), driver);
}
