//! What the cluster promised, checked against what it has.

use super::cluster::Cluster;
use super::ledger::{Entry, Fate, Ledger};
use super::resp::{Answer, Connection};
use super::say::Check;
use super::trouble::{Trouble, wait_for};
use super::watch::{Seen, Watch};
use std::net::SocketAddr;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(5);
/// Keys asked for at once.
const AT_ONCE: usize = 100;

/// Every check, in the order of the table, and the highest commit index that was ever seen.
///
/// # Errors
/// When a node does not answer at all.
pub fn all(cluster: &Cluster, ledger: &Ledger, watch: Watch) -> Result<(Vec<Check>, u64), Trouble> {
    let mut checks = contents(cluster, ledger)?;
    let (equal, applied) = equal_states(cluster)?;
    checks.push(equal);
    let seen = watch.finish()?;
    checks.extend(monotonic(&seen, applied));
    let wrong = ledger.wrong_answers();
    checks.push(Check::new("no client was told anything impossible", &wrong, "none was".into()));
    Ok((checks, seen.commit))
}

/// Reads every key through every node.
fn contents(cluster: &Cluster, ledger: &Ledger) -> Result<Vec<Check>, Trouble> {
    let entries = ledger.entries();
    let (mut missing, mut repeated, mut applied) = (Vec::new(), Vec::new(), 0);
    let unknown = entries.iter().filter(|entry| entry.fate == Fate::Unknown).count();
    for node in &cluster.nodes {
        applied = 0;
        for (entry, value) in read_through(node.client, &entries)? {
            let count = value.as_deref().map_or(Some(0), |text| text.parse::<i64>().ok());
            match (entry.fate, count) {
                (Fate::Acknowledged, Some(1)) | (Fate::Unknown, Some(0)) => {}
                (Fate::Unknown, Some(1)) => applied += 1,
                (Fate::Acknowledged, Some(0)) => {
                    missing.push(format!("{} through node {}", entry.key, node.id));
                }
                _ => repeated.push(format!("{} = {value:?} through node {}", entry.key, node.id)),
            }
        }
    }
    let (acknowledged, nodes) = (ledger.acknowledged(), cluster.nodes.len());
    Ok(vec![
        Check::new(
            "every acknowledged write is there, through every node",
            &missing,
            format!("{acknowledged} writes, {nodes} nodes"),
        ),
        Check::new(
            "no write happened twice",
            &repeated,
            format!("{unknown} of unknown fate: {applied} happened, the rest did not"),
        ),
    ])
}

/// The values of all keys, read by a client that starts at `address`.
fn read_through(
    address: SocketAddr,
    entries: &[Entry],
) -> Result<Vec<(&Entry, Option<String>)>, Trouble> {
    let mut found = Vec::new();
    let (mut target, mut connection) = (address, None);
    for some in entries.chunks(AT_ONCE) {
        let mut words = vec!["MGET"];
        words.extend(some.iter().map(|entry| entry.key.as_str()));
        let values = wait_for("an answer to a read", || {
            if connection.is_none() {
                connection = Connection::open(target, PATIENCE).ok();
            }
            match connection.as_mut()?.ask(&words) {
                Ok(Answer::Many(values)) => Some(values),
                answer => {
                    connection = None;
                    let moved = answer.ok().and_then(|answer| answer.moved_to());
                    target = moved.unwrap_or(address);
                    None
                }
            }
        })?;
        found.extend(some.iter().zip(values).map(|(entry, value)| match value {
            Answer::Value(value) => (entry, value),
            other => (entry, Some(format!("{other:?}"))),
        }));
    }
    Ok(found)
}

/// Also returns up to where all have applied.
fn equal_states(cluster: &Cluster) -> Result<(Check, u64), Trouble> {
    let reports = cluster.at_rest()?;
    let hash = reports.first().map_or("", |report| report.text("state_hash")).to_string();
    let applied = reports.first().map_or(0, |report| report.number("applied_index"));
    let other = reports.iter().filter(|report| report.text("state_hash") != hash);
    let against: Vec<_> = other
        .map(|report| format!("node {}: {}", report.text("node_id"), report.text("state_hash")))
        .collect();
    let measured = format!("{hash} at {applied}, {} nodes", reports.len());
    Ok((Check::new("equal states at equal applied index", &against, measured), applied))
}

fn monotonic(seen: &Seen, applied: u64) -> Vec<Check> {
    let looks = format!("{} looks at nodes", seen.looks);
    let leaders = format!("{} terms had a leader", seen.leaders.len());
    let mut went_back = seen.went_back.clone();
    if seen.commit < applied {
        went_back.push(format!("{applied} is applied, {} is committed", seen.commit));
    }
    vec![
        Check::new("terms and commit indexes only grew", &went_back, looks),
        Check::new("no term had two leaders", &seen.two_leaders, leaders),
    ]
}

/// Nodes that were asked to stop did so in good order.
pub fn stopped_cleanly(cluster: &mut Cluster) -> Check {
    let mut against = Vec::new();
    for node in &mut cluster.nodes {
        match node.stop(PATIENCE) {
            Some(status) if status.success() => {}
            Some(status) => against.push(format!("node {}: {status}", node.id)),
            None => against.push(format!("node {}: did not stop", node.id)),
        }
    }
    let nodes = format!("{} nodes", cluster.nodes.len());
    Check::new("every node stopped cleanly when asked", &against, nodes)
}

/// Nothing is left of the demo but what was asked for.
pub fn nothing_left(cluster: &Cluster) -> Check {
    let removed = cluster.root.remove();
    let against: Vec<_> = removed.err().map(|error| error.to_string()).into_iter().collect();
    Check::new("nothing is left behind", &against, "no process, no file".into())
}
