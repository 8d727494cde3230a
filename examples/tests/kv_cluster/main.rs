//! `kv` as people run it: three processes, real sockets, real files.
#![cfg(unix)]

mod cluster;
mod folders;
mod snapshots;
mod space;

use cluster::{Client, Cluster, Scratch, wait_for};
use std::io::{BufRead, BufReader};
use std::process::{Command, Output, Stdio};

fn kv(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kv")).args(arguments).output().unwrap()
}

#[test]
fn commands_on_the_leader_and_redirection_from_followers() {
    let cluster = Cluster::start("commands", &[]);
    let leader = cluster.leader();
    let mut client = cluster.nodes[leader].connect();
    for (line, reply) in [
        ("PING", "+PONG"),
        ("SET a 1", "+OK"),
        ("SET a 2 NX", "$-1"),
        ("SET b 2 XX", "$-1"),
        ("GET a", "1"),
        ("GET none", "$-1"),
        ("INCR a", ":2"),
        ("INCRBY a 40", ":42"),
        ("DECR a", ":41"),
        ("MSET b x c y", "+OK"),
        ("MGET a b c none", "[41 x y $-1]"),
        ("INCR b", "-ERR value is not an integer or out of range"),
        ("EXISTS a b none a", ":3"),
        ("DEL b none", ":1"),
        ("DBSIZE", ":2"),
        ("GET", "-ERR wrong number of arguments for 'get' command"),
        ("SELECT 0", "+OK"),
        ("FLUSHALL", "+OK"),
        ("DBSIZE", ":0"),
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        assert_eq!(client.ask(&words), reply, "{line}");
    }
    let big = "v".repeat(20_000);
    assert!(client.ask(&["SET", "big", &big]).starts_with("-ERR value too large: "));
    assert!(client.ask(&["MSET", "a", "1", "big", &big]).starts_with("-ERR value too large: "));
    assert_eq!(client.ask(&["SET", "big", &big[..8_000]]), "+OK");
    assert!(client.ask(&["ROLE"]).starts_with("[master "));

    let moved = format!("-MOVED 0 {}", cluster.nodes[leader].client);
    for follower in cluster.followers(leader) {
        let mut client = cluster.nodes[follower].connect();
        // Once the leader's announcement has come.
        wait_for("MOVED", || (client.ask(&["GET", "a"]) == moved).then_some(()));
        for line in [&["SET", "a", "1"][..], &["MGET", "a"], &["DBSIZE"], &["MULTI"]] {
            assert_eq!(client.ask(line), moved);
        }
        assert_eq!(client.ask(&["SET", "a", "1"]), moved);
        assert!(client.ask(&["EXEC"]).starts_with("-EXECABORT "));
        assert_eq!(client.ask(&["PING"]), "+PONG");
        assert!(client.ask(&["ROLE"]).starts_with("[slave 127.0.0.1 "));
        assert_eq!(cluster.nodes[follower].info("raft_role"), "follower");
    }
    cluster.agreed();
}

#[test]
fn pipelines_see_their_own_writes() {
    let cluster = Cluster::start("pipelines", &[]);
    let mut client = cluster.nodes[cluster.leader()].connect();
    for number in 0..200 {
        client.send(&["GET", "n"]);
        client.send(&["SET", "n", &number.to_string()]);
        client.send(&["GET", "n"]);
        client.send(&["INCR", "count"]);
    }
    let mut before = "$-1".to_owned();
    for number in 0..200 {
        assert_eq!(client.hear().unwrap(), before);
        assert_eq!(client.hear().unwrap(), "+OK");
        before = number.to_string();
        assert_eq!(client.hear().unwrap(), before);
        assert_eq!(client.hear().unwrap(), format!(":{}", number + 1));
    }
    client.send_bytes(b"MULTI\r\nINCR t\r\nGET t\r\nEXEC\r\nSET half closed\r\nGET half\r\n");
    client.shutdown();
    let heard: Vec<String> = std::iter::from_fn(|| client.hear()).collect();
    assert_eq!(heard, ["+OK", "+QUEUED", "+QUEUED", "[:1 1]", "+OK", "closed"]);
}

#[test]
fn it_goes_on_without_a_killed_leader_which_catches_up_when_it_returns() {
    let mut cluster = Cluster::start_with("kill", "500ms", &[]);
    let mut acknowledged = 0;
    for _ in 0..2 {
        let leader = cluster.leader();
        let mut client = cluster.nodes[leader].connect();
        for _ in 0..100 {
            acknowledged += 1;
            assert_eq!(client.ask(&["INCR", "n"]), format!(":{acknowledged}"));
        }
        cluster.nodes[leader].kill();
        assert_eq!(client.ask(&["PING"]), "gone");
        let next = cluster.leader();
        assert_ne!(next, leader);
        let mut client = cluster.nodes[next].connect();
        assert_eq!(client.ask(&["GET", "n"]), acknowledged.to_string());
        acknowledged += 1;
        assert_eq!(client.ask(&["INCR", "n"]), format!(":{acknowledged}"));
        cluster.nodes[leader].start();
        cluster.agreed();
    }
    // All at once, without warning.
    cluster.nodes.iter_mut().for_each(cluster::Node::kill);
    cluster.nodes.iter_mut().for_each(cluster::Node::start);
    let mut client = cluster.nodes[cluster.leader()].connect();
    assert_eq!(client.ask(&["GET", "n"]), acknowledged.to_string());
    cluster.agreed();
}

#[test]
fn a_clean_stop_and_what_the_journal_shows() {
    let mut cluster = Cluster::start("stop", &[]);
    let mut client = cluster.nodes[cluster.leader()].connect();
    assert_eq!(client.ask(&["SET", "colour", "blue"]), "+OK");
    cluster.agreed();
    for node in &mut cluster.nodes {
        assert_eq!(node.stop().code(), Some(0));
    }
    let directory = cluster.scratch.path().join("n1");
    let output = kv(&["inspect", directory.to_str().unwrap()]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    for part in ["node      1 of 1, 2, 3", "SET \"colour\" (4 bytes)", "cleanly", "term      "] {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
    cluster.nodes.iter_mut().for_each(cluster::Node::start);
    let mut client = cluster.nodes[cluster.leader()].connect();
    assert_eq!(client.ask(&["GET", "colour"]), "blue");
    cluster.agreed();
}

#[test]
fn who_waits_is_told_that_nobody_knows() {
    let mut cluster = Cluster::start_with("unknown", "500ms", &["--write-timeout", "1s"]);
    let leader = cluster.leader();
    let mut client = cluster.nodes[leader].connect();
    assert_eq!(client.ask(&["SET", "a", "1"]), "+OK");
    for follower in cluster.followers(leader) {
        cluster.nodes[follower].signal("-STOP");
    }
    // Without a majority: a write, and then a stop.
    let reply = client.ask(&["SET", "a", "2"]);
    assert!(reply.starts_with("-UNKNOWN "), "{reply}");
    let reply = client.ask(&["GET", "a"]);
    assert!(reply.starts_with("-CLUSTERDOWN ") || reply.starts_with("-TRYAGAIN "), "{reply}");
    for follower in cluster.followers(leader) {
        cluster.nodes[follower].signal("-CONT");
    }
    let mut client = cluster.nodes[cluster.leader()].connect();
    let value = client.ask(&["GET", "a"]);
    assert!(value == "1" || value == "2", "{value}");
    let leader = cluster.leader();
    for follower in cluster.followers(leader) {
        cluster.nodes[follower].signal("-STOP");
    }
    let mut client = cluster.nodes[leader].connect();
    client.send_bytes(b"PING\r\nSET a 3\r\nGET a\r\n");
    assert_eq!(client.hear().as_deref(), Some("+PONG"), "all of it was heard");
    assert_eq!(cluster.nodes[leader].stop().code(), Some(0));
    let reply = client.hear().unwrap();
    assert!(reply.starts_with("-UNKNOWN "), "{reply}");
    let reply = client.hear().unwrap();
    assert!(reply.starts_with("-CLUSTERDOWN "), "{reply}");
    assert_eq!(client.hear(), None);
}

#[test]
fn clients_that_misbehave_harm_only_themselves() {
    let cluster = Cluster::start("clients", &["--max-clients", "20"]);
    let leader = &cluster.nodes[cluster.leader()];
    let mut good = leader.connect();
    assert_eq!(good.ask(&["SET", "a", &"x".repeat(8_000)]), "+OK");

    let mut broken = leader.connect();
    broken.send_bytes(b"*1\r\n$x\r\n");
    assert_eq!(broken.hear().unwrap(), "-ERR Protocol error: invalid bulk length");
    assert_eq!(broken.hear(), None);

    let mut nested = leader.connect();
    nested.send_bytes(&b"*1\r\n".repeat(100_000));
    assert_eq!(nested.hear().unwrap(), "-ERR Protocol error: expected '$', got '*'");

    // Asks for 64 MB and reads none of it.
    let mut deaf = leader.connect();
    deaf.send_bytes(&b"GET a\r\n".repeat(8_000));
    let mut half = leader.connect();
    half.send_bytes(b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$100\r\nhal");
    let mut gone = leader.connect();
    gone.send(&["SET", "b", "1"]);
    drop(gone);
    for _ in 0..100 {
        assert_eq!(good.ask(&["INCR", "n"]).chars().next(), Some(':'));
    }
    // It all comes in the end.
    for _ in 0..8_000 {
        assert_eq!(deaf.hear().unwrap().len(), 8_000);
    }

    let clients: Vec<Client> = (0..17).map(|_| leader.connect()).collect();
    wait_for("one client too many", || {
        let mut late = Client::connect(leader.client)?;
        (late.hear().as_deref() == Some("-ERR max number of clients reached")).then_some(())
    });
    drop(clients);
    wait_for("room", || {
        let mut late = Client::connect(leader.client)?;
        (late.ask(&["PING"]) == "+PONG").then_some(())
    });
}

#[test]
fn a_full_log_is_told_and_reads_go_on() {
    // The state outgrows the place for its snapshots.
    let mut cluster = Cluster::start("full", &["--log-entries", "64", "--snapshot-max", "1MiB"]);
    let mut client = cluster.nodes[cluster.leader()].connect();
    let value = "x".repeat(8_000);
    let mut taken = 0;
    let refusal = loop {
        match client.ask(&["SET", &format!("key {taken}"), &value]).as_str() {
            "+OK" => taken += 1,
            reply if reply.starts_with("-OOM") => break reply.to_owned(),
            // A snapshot is on its way: room comes, or does not.
            reply => assert!(reply.starts_with("-TRYAGAIN"), "{reply}"),
        }
        assert!(taken < 1_000);
    };
    assert!(refusal.contains("--snapshot-max"), "{refusal}");
    assert!(taken > 100, "{taken}");
    assert_eq!(client.ask(&["GET", "key 0"]), value);
    // (A node whose own log was full before that stays behind, until the remedy that is named.)
    for at in 0..cluster.nodes.len() {
        cluster.nodes[at].restart_with("--snapshot-max", "64MiB");
    }
    let mut client = cluster.nodes[cluster.leader()].connect();
    wait_for("room", || (client.ask(&["SET", "more", &value]) == "+OK").then_some(()));
    assert_eq!(client.ask(&["DBSIZE"]), format!(":{}", taken + 1));
    cluster.agreed();
}

#[test]
fn a_log_is_compacted_and_who_was_away_gets_a_snapshot() {
    let mut cluster = Cluster::start("compacted", &["--log-entries", "128"]);
    let leader = cluster.leader();
    let away = (leader + 1) % cluster.nodes.len();
    cluster.nodes[away].kill();
    let mut client = cluster.nodes[leader].connect();
    for number in 0..1_000 {
        wait_for("a write", || {
            (client.ask(&["INCR", "n"]) == format!(":{}", number + 1)).then_some(())
        });
    }
    assert_eq!(client.ask(&["BGSAVE"]), "+Background saving started");
    wait_for("the snapshot", || {
        let info = client.ask(&["INFO", "persistence"]);
        info.contains("rdb_changes_since_last_save:0").then_some(())
    });
    cluster.nodes[away].start();
    cluster.agreed();
    let mut client = cluster.nodes[away].connect();
    let info = client.ask(&["INFO", "raft"]);
    assert!(info.contains("snapshots_installed:1"), "{info}");
    assert!(client.ask(&["LASTSAVE"]).starts_with(':'));
}

/// The least there can be: every few writes end in a snapshot.
#[test]
fn logs_of_eight_entries_take_many_writes() {
    let flags = "--log-entries 8 --log-bytes 64KiB --journal 32MiB --segment 1MiB \
                 --snapshot-max 1MiB --sync never";
    let cluster =
        Cluster::start_with_sizes("eight", "2s", &flags.split_whitespace().collect::<Vec<_>>());
    let leader = &cluster.nodes[cluster.leader()];
    let mut client = leader.connect();
    let writes = 10_000;
    for number in 1..=writes {
        // (Refused while a snapshot makes room.)
        wait_for("a write", || (client.ask(&["INCR", "n"]) == format!(":{number}")).then_some(()));
    }
    cluster.agreed();
    let taken: u64 = leader.info("snapshots_taken").parse().unwrap();
    assert!(taken > writes / 16, "{taken} snapshots");
    let told = (32 << 20) + (26 << 20) / 10 + (3 << 20);
    for node in &cluster.nodes {
        let most = space::bytes_in(&node.data);
        assert!(most <= told, "{most} of {told}");
    }
}

#[test]
fn what_cannot_start_says_why_in_one_line() {
    let scratch = Scratch::new("errors");
    let data = scratch.path().join("n1");
    let data = data.to_str().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let base = |client: &'static str| {
        ["--id", "1", "--raft", "127.0.0.1:0", "--client", client, "--data", data].to_vec()
    };
    let with = |client, more: &[&'static str]| [base(client), more.to_vec()].concat();
    let usage = [
        with("nowhere", &[]),
        with("0.0.0.0:0", &[]),
        with("127.0.0.1:0", &["--heartbeat", "900ms"]),
        with("127.0.0.1:0", &["--peer", "2=127.0.0.1:1", "--peer", "2=127.0.0.1:1"]),
        with("127.0.0.1:0", &["--peer", "2=127.0.0.1:1", "--peer", "3=127.0.0.1:1"]),
        with("127.0.0.1:0", &["--max-clients", "0"]),
        with("127.0.0.1:0", &["--cluster", ""]),
        vec!["--id", "1"],
        vec!["inspect"],
    ];
    for arguments in usage {
        expect_line(&arguments, 2, "");
    }
    for (bytes, part) in [("0", "--log-bytes 0 is too small"), ("20KiB", "at least")] {
        expect_line(&with("127.0.0.1:0", &["--log-bytes", bytes]), 2, part);
    }
    let mut busy = base("127.0.0.1:0");
    busy[5] = &taken;
    expect_line(&busy, 1, &taken);
    expect_line(&["inspect", data], 1, data);
    let mut nowhere = base("127.0.0.1:0");
    nowhere[7] = "/proc/nowhere";
    expect_line(&nowhere, 1, "/proc/nowhere");
}

fn expect_line(arguments: &[&str], status: i32, part: &str) {
    let output = kv(arguments);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(status), "{arguments:?}: {text}");
    // Before it, a node may have said that it goes to look at its journal.
    let why: Vec<&str> = text.lines().filter(|line| !line.contains("Z opening the ")).collect();
    assert!(matches!(why[..], [line] if line.starts_with("kv: ")), "{arguments:?}: {text}");
    assert!(text.contains(part), "{arguments:?}: {text}");
}

#[test]
fn a_directory_in_use_or_of_others_is_refused_by_name() {
    let mut cluster = Cluster::start("refused", &[]);
    cluster.leader();
    let data = cluster.scratch.path().join("n1");
    let data = data.to_str().unwrap();
    let base = ["--raft", "127.0.0.1:0", "--client", "127.0.0.1:0", "--data", data];
    let peers = ["--peer", "2=127.0.0.1:1", "--peer", "3=127.0.0.1:2"];
    let sized = |size, more: &[&'static str]| [&base[..], &["--log-bytes", size], more].concat();
    let with = |more: &[&'static str]| sized("16MiB", more);
    let first = |more: &[&'static str]| [&with(&["--id", "1"])[..], &peers, more].concat();
    expect_line(&first(&[]), 1, "in use");
    for node in &mut cluster.nodes {
        node.stop();
    }
    expect_line(&first(&["--cluster", "other"]), 1, "--cluster other");
    let second = ["--id", "2", "--peer", "1=127.0.0.1:1", "--peer", "3=127.0.0.1:2"];
    expect_line(&with(&second), 1, "a journal of node 1, not 2");
    expect_line(&with(&["--id", "1"]), 1, "voters");
    let large = [&sized("1GiB", &["--id", "1"])[..], &peers].concat();
    expect_line(&large, 1, "segments are needed");
    // A flipped bit in what was acknowledged.
    let path = cluster.scratch.path().join("n1/segment-000.journal");
    let mut bytes = std::fs::read(&path).unwrap();
    // The head of a segment has 192 bytes; then comes the first block.
    bytes[200] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    expect_line(&first(&[]), 1, "kv inspect");
    let output = kv(&["inspect", data]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text.contains("DAMAGED   block "), "{text}");
    assert!(text.contains("nothing before the damage could be read"), "{text}");
    assert!(!text.contains("term ") && !text.contains("vote"), "{text}");
    // What is no file would be waited for.
    std::fs::remove_file(&path).unwrap();
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    expect_line(&["inspect", data], 1, "no regular file");
    expect_line(&first(&[]), 1, "no regular file");
    std::fs::remove_file(&path).unwrap();
    // Zeros where text was, as a power cut leaves them.
    std::fs::write(cluster.scratch.path().join("n1/medium.toml"), [0; 4_096]).unwrap();
    let output = kv(&["inspect", data]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.len() < 1_000 && !text.contains('\0'), "{text:?}");
}

#[test]
fn a_node_is_told_apart_from_its_journal() {
    let scratch = Scratch::new("inner");
    let (node, data) = (scratch.path().join("node-1"), scratch.path().join("node-1/journal"));
    std::fs::create_dir(&node).unwrap();
    let mut arguments = "--id 1 --raft 127.0.0.1:0 --client 127.0.0.1:0 --log-bytes 16MiB --data"
        .split(' ')
        .collect::<Vec<_>>();
    arguments.push(data.to_str().unwrap());
    let mut child = Command::new(env!("CARGO_BIN_EXE_kv"))
        .args(&arguments)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    assert!(first.contains("opening the journal in ") && first.contains("node-1"), "{first}");
    assert!(lines.any(|line| line.unwrap().contains("recovered term 0")));
    child.kill().unwrap();
    child.wait().unwrap();
    let output = kv(&["inspect", node.to_str().unwrap()]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && text.contains("node      1 of 1"), "{text}");
    assert!(text.contains("node-1/journal, "), "{text}");
}
