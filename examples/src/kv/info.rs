//! What `INFO` and `ROLE` tell: about this node alone, at once, whoever leads.

use super::machine::Machine;
use super::reply::{Reply, bulk};
use super::request::is;
use super::saves::{Outcome, Saves, Way, share};
use super::waiting::Waiting;
use raft_nostd::{Raft, Refused, Role, SnapshotWork, VOTERS_MAX};
use std::fmt::{Display, Write};
use std::time::Instant;

/// Which Redis this claims to be: some clients ask before they speak.
pub const REDIS_VERSION: &str = "7.0.0";

/// What a node is called.
#[derive(Clone, Debug)]
pub struct Names {
    /// The cluster.
    pub cluster: String,
    /// Where clients reach this node.
    pub announce: String,
    /// When it started.
    pub started: Instant,
}

/// What was counted since the start.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Clients at present.
    pub clients: usize,
    /// Clients there ever were.
    pub accepted: u64,
    /// Clients that were one too many.
    pub rejected: u64,
    /// Commands understood.
    pub commands: u64,
    /// Writes that were answered as lost.
    pub lost: u64,
    /// Writes that were answered as unknown.
    pub unknown: u64,
    /// Reads that were answered as lost or late.
    pub reads_lost: u64,
}

/// All there is to tell about.
#[derive(Debug)]
pub struct View<'a> {
    /// The node.
    pub raft: &'a Raft<Box<[u8]>, VOTERS_MAX>,
    /// The state.
    pub machine: &'a Machine,
    /// What it is called.
    pub names: &'a Names,
    /// What was counted.
    pub counts: &'a Counts,
    /// Who waits.
    pub waiting: &'a Waiting,
    /// What became of snapshots.
    pub saves: &'a Saves,
    /// Why the journal cannot grow, while it cannot.
    pub journal_failure: Option<&'a str>,
    /// What is being done about snapshots.
    pub work: SnapshotWork,
    /// How many bytes a second that goes.
    pub rate: u64,
}

type Writer = fn(&View<'_>, &mut Lines);

const SECTIONS: [(&str, Writer); 7] = [
    ("Server", |view, lines| view.server(lines)),
    ("Clients", |view, lines| view.clients(lines)),
    ("Persistence", |view, lines| view.persistence(lines)),
    ("Stats", |view, lines| view.stats(lines)),
    ("Replication", |view, lines| view.replication(lines)),
    ("Raft", |view, lines| view.node(lines)),
    ("Keyspace", |view, lines| view.keyspace(lines)),
];

/// The text of an answer.
struct Lines(String);

impl Lines {
    fn add(&mut self, key: impl Display, value: impl Display) {
        // Writing to a string does not fail.
        let _ = write!(self.0, "{key}:{value}\r\n");
    }
}

impl View<'_> {
    /// The text of `INFO` with `sections`; with none, all of them.
    pub fn info(&self, sections: &[&[u8]]) -> String {
        let all = sections.is_empty()
            || sections
                .iter()
                .any(|asked| is(asked, "all") || is(asked, "default") || is(asked, "everything"));
        let mut lines = Lines(String::new());
        for (name, write) in SECTIONS {
            if all || sections.iter().any(|asked| is(asked, name)) {
                if !lines.0.is_empty() {
                    lines.0.push_str("\r\n");
                }
                let _ = write!(lines.0, "# {name}\r\n");
                write(self, &mut lines);
            }
        }
        lines.0
    }

    fn server(&self, lines: &mut Lines) {
        lines.add("redis_version", REDIS_VERSION);
        lines.add("redis_mode", "standalone");
        lines.add("kv_version", env!("CARGO_PKG_VERSION"));
        lines.add("os", std::env::consts::OS);
        lines.add("arch_bits", usize::BITS);
        lines.add("process_id", std::process::id());
        let port = self.names.announce.rsplit(':').next().unwrap_or_default();
        lines.add("tcp_port", port);
        lines.add("uptime_in_seconds", self.names.started.elapsed().as_secs());
    }

    fn clients(&self, lines: &mut Lines) {
        let (writes, reads) = self.waiting.len();
        lines.add("connected_clients", self.counts.clients);
        lines.add("waiting_writes", writes);
        lines.add("waiting_reads", reads);
    }

    fn persistence(&self, lines: &mut Lines) {
        let taking = matches!(self.work, SnapshotWork::Taking { .. });
        lines.add("loading", u8::from(matches!(self.work, SnapshotWork::Restoring { .. })));
        lines.add("rdb_bgsave_in_progress", u8::from(taking));
        lines.add("rdb_last_save_time", self.saves.last());
        let outcome = if self.saves.outcome() == Outcome::Good { "ok" } else { "err" };
        lines.add("rdb_last_bgsave_status", outcome);
        let changes = self.machine.changes().saturating_sub(self.saves.saved());
        lines.add("rdb_changes_since_last_save", changes);
        lines.add("aof_enabled", 1);
        let journal = if self.journal_failure.is_none() { "ok" } else { "err" };
        lines.add("aof_last_write_status", journal);
    }

    fn snapshots(&self, lines: &mut Lines) {
        let raft = self.raft;
        let (index, bytes) =
            raft.snapshot().map_or((0, 0), |newest| (newest.last.index.0, newest.bytes));
        lines.add("snapshot_index", index);
        lines.add("snapshot_bytes", bytes);
        lines.add("log_first_index", raft.base().index.next());
        lines.add("log_bytes_since_snapshot", raft.bytes_since_snapshot());
        let way = Way::of(raft, self.work, self.saves.sends());
        lines.add("snapshot_work", way.map_or("idle", |way| way.what.name()));
        lines.add("snapshot_work_bytes", way.map_or(0, |way| way.bytes));
        lines.add("snapshot_work_total_bytes", way.map_or(0, |way| way.total()));
        lines.add("snapshot_work_bytes_per_second", self.rate);
        if let Some((manifest, chunks, _)) = raft.incoming_snapshot() {
            let done = share(manifest.bytes, chunks, manifest.chunks);
            let why = raft.incoming_failure().map_or(String::new(), |failure| {
                format!("; given up: {}", self.saves.declined(manifest.bytes, failure))
            });
            lines.add("snapshot_incoming", format_args!("{done} of {}{why}", manifest.bytes));
        }
        for peer in raft.peers() {
            if let (Some(chunks), Some(manifest)) = (raft.transfer(peer), raft.snapshot()) {
                let done = share(manifest.bytes, chunks, manifest.chunks);
                let silent = if self.saves.sends().is_silent(peer) {
                    format!(", node {peer} does not answer, or has no place for it")
                } else {
                    String::new()
                };
                let text = format!("{done} of {}{silent}", manifest.bytes);
                lines.add(format_args!("snapshot_to_{peer}"), text);
            }
        }
        let trouble = self.saves.trouble().map_or(String::new(), ToString::to_string);
        lines.add("snapshot_failure", trouble);
        let (damage, times) = self.saves.damage();
        lines.add("snapshot_unreadable", times);
        lines.add("snapshot_damage", damage.unwrap_or_default());
        lines.add("snapshots_taken", raft.metrics().snapshots_taken);
        lines.add("snapshots_installed", raft.metrics().snapshots_installed);
        lines.add("snapshots_sent", self.saves.sends().done());
        lines.add("snapshots_received", raft.metrics().snapshots_installed);
    }

    fn stats(&self, lines: &mut Lines) {
        lines.add("total_connections_received", self.counts.accepted);
        lines.add("rejected_connections", self.counts.rejected);
        lines.add("total_commands_processed", self.counts.commands);
        lines.add("writes_lost", self.counts.lost);
        lines.add("writes_unknown", self.counts.unknown);
        lines.add("reads_lost", self.counts.reads_lost);
    }

    fn replication(&self, lines: &mut Lines) {
        let status = self.raft.status();
        if status.role == Role::Leader {
            lines.add("role", "master");
            lines.add("connected_slaves", self.raft.peers().count());
            lines.add("master_repl_offset", self.raft.commit());
            return;
        }
        lines.add("role", "slave");
        let (host, port) = split(self.leader_address().unwrap_or_default());
        lines.add("master_host", host);
        lines.add("master_port", port);
        lines.add("master_link_status", if status.leader.is_some() { "up" } else { "down" });
        let incoming = self.raft.incoming_snapshot();
        lines.add("master_sync_in_progress", u8::from(incoming.is_some()));
        if let Some((manifest, chunks, _)) = incoming {
            let done = share(manifest.bytes, chunks, manifest.chunks);
            lines.add("master_sync_total_bytes", manifest.bytes);
            lines.add("master_sync_left_bytes", manifest.bytes.saturating_sub(done));
        }
        lines.add("slave_repl_offset", self.raft.commit());
    }

    fn node(&self, lines: &mut Lines) {
        let (raft, status) = (self.raft, self.raft.status());
        lines.add("node_id", raft.id());
        lines.add("cluster", &self.names.cluster);
        lines.add("client_address", &self.names.announce);
        lines.add("raft_role", status.role);
        lines.add("term", status.term);
        lines.add("leader_id", status.leader.map_or(0, |leader| leader.get()));
        lines.add("leader_address", self.leader_address().unwrap_or_default());
        for peer in raft.peers() {
            if let Some(matched) = raft.matched(peer) {
                lines.add(format_args!("peer_{peer}"), format_args!("matched={matched}"));
            }
        }
        lines.add("commit_index", raft.commit());
        lines.add("applied_index", raft.applied());
        lines.add("last_index", raft.last().index);
        lines.add("last_term", raft.last().term);
        lines.add("durable_index", raft.durable());
        lines.add("log_room_entries", raft.room().entries);
        lines.add("log_room_bytes", raft.room().bytes);
        lines.add("log_capacity_entries", raft.capacity().entries);
        lines.add("log_capacity_bytes", raft.capacity().bytes);
        lines.add("journal_failure", self.journal_failure.unwrap_or_default());
        lines.add("boot", raft.life().boot);
        self.snapshots(lines);
        self.metrics(lines);
        lines.add("halted", raft.halted().map_or(String::new(), |reason| reason.to_string()));
        lines.add("state_hash", self.machine.digest());
    }

    fn metrics(&self, lines: &mut Lines) {
        let metrics = self.raft.metrics();
        lines.add("datagrams_in", metrics.datagrams_in);
        lines.add("datagrams_out", metrics.datagrams_out);
        lines.add("bytes_in", metrics.bytes_in);
        lines.add("bytes_out", metrics.bytes_out);
        let refused: u64 = Refused::ALL.iter().map(|reason| metrics.refused(*reason)).sum();
        lines.add("datagrams_refused", refused);
        for reason in Refused::ALL {
            let name = reason.name().replace('-', "_");
            lines.add(format_args!("refused_{name}"), metrics.refused(reason));
        }
        lines.add("resent", metrics.resent);
        lines.add("elections", metrics.elections);
        lines.add("elections_won", metrics.elections_won);
        lines.add("proposed", metrics.proposed);
        lines.add("applied_commands", metrics.applied);
        lines.add("syncs", metrics.syncs);
        lines.add("bytes_persisted", metrics.bytes_persisted);
    }

    fn keyspace(&self, lines: &mut Lines) {
        let (keys, bytes) = (self.machine.keys(), self.machine.bytes());
        if keys > 0 {
            lines.add("db0", format_args!("keys={keys},expires=0,avg_ttl=0,bytes={bytes}"));
        }
    }

    fn leader_address(&self) -> Option<&str> {
        let leader = self.raft.status().leader?;
        if leader == self.raft.id() {
            return Some(&self.names.announce);
        }
        self.machine.address(leader)
    }

    /// The reply to `ROLE`: the leader is the master, everybody else its replica.
    pub fn role(&self) -> Reply {
        let status = self.raft.status();
        let offset = number(self.raft.commit().0);
        if status.role == Role::Leader {
            let known = self.raft.peers().filter_map(|peer| {
                let (host, port) = split(self.machine.address(peer)?);
                let matched = self.raft.matched(peer).unwrap_or_default();
                Some(Reply::Array(vec![bulk(host), bulk(port), bulk(matched.to_string())]))
            });
            let known = Reply::Array(known.collect());
            return Reply::Array(vec![bulk("master"), offset, known]);
        }
        let (host, port) = split(self.leader_address().unwrap_or_default());
        let port = Reply::Integer(port.parse().unwrap_or(0));
        let link = if status.leader.is_some() { "connected" } else { "connect" };
        Reply::Array(vec![bulk("slave"), bulk(host), port, bulk(link), offset])
    }
}

fn number(value: u64) -> Reply {
    Reply::Integer(i64::try_from(value).unwrap_or(i64::MAX))
}

/// Host and port of an address.
fn split(address: &str) -> (&str, &str) {
    let (host, port) = address.rsplit_once(':').unwrap_or((address, ""));
    (host.trim_matches(['[', ']']), port)
}
