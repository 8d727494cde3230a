//! Sessions against a scripted node: what is proposed and asked when, and what is replied in which
//! order.

use super::encoding::{Command, encode};
use super::machine::{Machine, Response};
use super::reply::{self, Reply};
use super::session::{Backend, OUTPUT_MAX, Session};
use raft_nostd::{Committed, Position, StateMachine};

/// A node that does nothing until it is told to.
#[derive(Default)]
struct Script {
    machine: Machine,
    /// Proposed and not applied, by slot.
    writes: Vec<(u64, Vec<u8>)>,
    /// Asked and not confirmed.
    reads: Vec<u64>,
    refusal: Option<&'static str>,
    applied: u64,
}

impl Backend for Script {
    fn write(&mut self, slot: u64, command: &Command<'_>) -> Result<(), Reply> {
        match self.refusal {
            Some(refusal) => Err(reply::error(refusal)),
            None => {
                self.writes.push((slot, encode(command)));
                Ok(())
            }
        }
    }

    fn read(&mut self, slot: u64) -> Result<(), Reply> {
        match self.refusal {
            Some(refusal) => Err(reply::error(refusal)),
            None => {
                self.reads.push(slot);
                Ok(())
            }
        }
    }

    fn query(&self, query: &[u8]) -> Response {
        self.machine.query(query)
    }

    fn info(&self, _: &[&[u8]]) -> String {
        "# Info".to_owned()
    }

    fn role(&self) -> Reply {
        reply::simple("role")
    }

    fn save(&mut self) -> Reply {
        reply::simple("saving")
    }

    fn last_save(&self) -> u64 {
        1_234
    }

    fn elsewhere(&self) -> Option<Reply> {
        self.refusal.map(reply::error)
    }

    fn longest(&self) -> u64 {
        8_060
    }
}

struct Talk {
    session: Session,
    node: Script,
}

impl Talk {
    fn new() -> Self {
        Self { session: Session::new(1), node: Script::default() }
    }

    fn say(&mut self, lines: &str) {
        self.session.receive(lines.as_bytes());
        self.session.run(&mut self.node);
    }

    /// Applies the first write that waits.
    fn apply(&mut self) {
        let (slot, command) = self.node.writes.remove(0);
        self.node.applied += 1;
        let position = Position::new(1, self.node.applied);
        let response = self.node.machine.apply(Committed { position, command: &command });
        self.session.fill(slot, reply::from_response(response));
        self.session.run(&mut self.node);
    }

    /// Confirms all reads that were asked for.
    fn confirm(&mut self) {
        for slot in std::mem::take(&mut self.node.reads) {
            self.session.confirm(slot);
        }
        self.session.run(&mut self.node);
    }

    /// What was replied since the last time.
    fn heard(&mut self) -> String {
        let heard = String::from_utf8_lossy(self.session.unsent()).replace("\r\n", "|");
        self.session.sent(self.session.unsent().len());
        heard
    }
}

#[test]
fn replies_keep_the_order_of_the_commands() {
    let mut talk = Talk::new();
    talk.say("PING\nSET a 1\nPING x\nGET a\nINFO\nNOPE\n");
    assert_eq!(talk.heard(), "+PONG|");
    talk.confirm();
    assert_eq!(talk.heard(), "", "the write is not applied");
    talk.apply();
    assert_eq!(
        talk.heard(),
        "+OK|$1|x|$1|1|$6|# Info|-ERR unknown command 'NOPE', with args beginning with: |"
    );
}

#[test]
fn what_a_person_quotes_is_one_word() {
    let mut talk = Talk::new();
    talk.say("ECHO \"hello world\"\nECHO 'it\\'s'\nECHO \"\"\n");
    assert_eq!(talk.heard(), "$11|hello world|$4|it's|$0||");
    talk.say("ECHO \"hello\nPING\n");
    assert_eq!(talk.heard(), "-ERR Protocol error: unbalanced quotes in request|");
    assert!(talk.session.is_over());
}

#[test]
fn a_read_sees_the_writes_before_it_and_waits_for_its_round() {
    let mut talk = Talk::new();
    talk.say("SET a 1\nGET a\n");
    talk.apply();
    assert_eq!(talk.heard(), "+OK|");
    assert_eq!(talk.node.reads.len(), 1, "asked for at once, not after the write");
    talk.confirm();
    assert_eq!(talk.heard(), "$1|1|");
}

#[test]
fn a_read_does_not_see_the_writes_after_it() {
    let mut talk = Talk::new();
    talk.say("GET a\nGET b\nINCR a\nGET a\nINCR a\n");
    assert_eq!((talk.node.reads.len(), talk.node.writes.len()), (2, 0), "the write is held");
    assert!(!talk.session.is_listening());
    talk.confirm();
    assert_eq!(talk.heard(), "$-1|$-1|");
    assert_eq!((talk.node.reads.len(), talk.node.writes.len()), (1, 1));
    talk.confirm();
    talk.apply();
    assert_eq!(talk.heard(), ":1|$1|1|");
    talk.apply();
    assert_eq!(talk.heard(), ":2|");
    assert!(talk.session.is_listening());
}

#[test]
fn a_slot_that_is_given_up_lets_the_others_go_on() {
    let mut talk = Talk::new();
    talk.say("SET a 1\nGET a\nSET a 2\n");
    talk.session.fill(0, reply::unknown("test"));
    talk.session.fill(1, reply::no_leader());
    talk.session.run(&mut talk.node);
    let heard = talk.heard();
    assert!(heard.starts_with("-UNKNOWN ") && heard.contains("|-CLUSTERDOWN "), "{heard}");
    // What comes late changes nothing.
    talk.confirm();
    talk.apply();
    assert_eq!(talk.heard(), "");
    talk.apply();
    assert_eq!(talk.heard(), "+OK|");
}

#[test]
fn refusals_keep_their_place() {
    let mut talk = Talk::new();
    talk.say("SET a 1\n");
    talk.node.refusal = Some("MOVED 0 h:1");
    talk.say("SET a 2\nGET a\nPING\n");
    assert_eq!(talk.heard(), "");
    talk.apply();
    assert_eq!(talk.heard(), "+OK|-MOVED 0 h:1|-MOVED 0 h:1|+PONG|");
}

#[test]
fn hello_changes_the_protocol_in_its_turn() {
    let mut talk = Talk::new();
    talk.say("SET a 1 XX\nHELLO 3\nGET a\n");
    talk.confirm();
    talk.apply();
    let heard = talk.heard();
    assert!(heard.starts_with("$-1|%7|$6|server|"), "{heard}");
    assert!(heard.ends_with("|*0|_|"), "{heard}");
    assert_eq!(talk.session.take_count(), 3);
}

#[test]
fn a_transaction_is_one_write() {
    let mut talk = Talk::new();
    talk.say("MULTI\nSET a 1\nINCR a\nGET a\nINCR b\nEXEC\nGET a\n");
    assert_eq!(talk.heard(), "+OK|+QUEUED|+QUEUED|+QUEUED|+QUEUED|");
    assert_eq!(talk.node.writes.len(), 1);
    talk.apply();
    assert_eq!(talk.heard(), "*4|+OK|:2|$1|2|:1|");
    talk.confirm();
    assert_eq!(talk.heard(), "$1|2|");
}

#[test]
fn transactions_that_come_to_nothing() {
    let mut talk = Talk::new();
    talk.say("EXEC\nDISCARD\nMULTI\nEXEC\nMULTI\nSET a 1\nDISCARD\nEXEC\n");
    let end = "-ERR EXEC without MULTI|";
    let heard = talk.heard();
    assert_eq!(heard, format!("{end}-ERR DISCARD without MULTI|+OK|*0|+OK|+QUEUED|+OK|{end}"));
    for refused in ["GET", "NOPE", "PING", "INCRBY a x"] {
        talk.say(&format!("MULTI\n{refused}\nSET a 1\nEXEC\n"));
        let heard = talk.heard();
        assert!(heard.contains("|-E") && heard.contains("|-EXECABORT "), "{heard}");
    }
    talk.say("MULTI\nMULTI\nDISCARD\n");
    assert_eq!(talk.heard(), "+OK|-ERR MULTI calls can not be nested|+OK|");
    talk.say(&format!("MULTI\n{}EXEC\n", "SET a 12345678901234567890\n".repeat(400)));
    let heard = talk.heard();
    assert!(heard.contains("|-ERR value too large: ") && heard.contains("|-EXECABORT "), "{heard}");
    assert!(talk.node.writes.is_empty());
    talk.node.refusal = Some("MOVED 0 h:1");
    talk.say("MULTI\nSET a 1\nEXEC\n");
    let heard = talk.heard();
    assert!(heard.starts_with("-MOVED 0 h:1|-MOVED 0 h:1|-EXECABORT "), "{heard}");
}

#[test]
fn a_transaction_waits_for_the_reads_before_it() {
    let mut talk = Talk::new();
    talk.say("GET a\nMULTI\nINCR a\nEXEC\n");
    assert!(talk.node.writes.is_empty());
    talk.confirm();
    talk.apply();
    assert_eq!(talk.heard(), "$-1|+OK|+QUEUED|*1|:1|");
}

#[test]
fn quit_and_what_comes_after_it() {
    let mut talk = Talk::new();
    talk.say("SET a 1\nQUIT\nSET a 2\n");
    assert!(!talk.session.is_listening() && !talk.session.is_over());
    talk.apply();
    assert!(!talk.session.is_over());
    assert_eq!(talk.heard(), "+OK|+OK|");
    assert!(talk.session.is_over());
    assert!(talk.node.writes.is_empty(), "nothing after QUIT");
}

#[test]
fn a_half_closed_client_still_gets_its_replies() {
    let mut talk = Talk::new();
    talk.say("GET a\nSET a 1\n*1\r\n$4\r\nPI");
    talk.session.receive_end();
    talk.session.run(&mut talk.node);
    assert!(!talk.session.is_over());
    talk.confirm();
    assert!(!talk.session.is_over(), "the write that was held is proposed now");
    talk.apply();
    assert_eq!(talk.heard(), "$-1|+OK|");
    assert!(talk.session.is_over());
}

#[test]
fn a_protocol_error_is_told_in_its_turn_and_ends_the_conversation() {
    let mut talk = Talk::new();
    talk.say("SET a 1\n*1\r\n:1\r\nPING\n");
    talk.apply();
    assert_eq!(talk.heard(), "+OK|-ERR Protocol error: expected '$', got ':'|");
    assert!(talk.session.is_over());
}

#[test]
fn http_is_not_answered() {
    let mut talk = Talk::new();
    talk.say("POST / HTTP/1.1\r\nHost: localhost\r\n\r\nSET a 1\n");
    assert_eq!(talk.heard(), "");
    assert!(talk.session.is_over() && talk.node.writes.is_empty());
}

#[test]
fn a_value_that_is_too_long_is_told_and_the_conversation_goes_on() {
    let mut talk = Talk::new();
    let value = "v".repeat(2 << 20);
    talk.say(&format!("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n${}\r\n{value}\r\nPING\n", value.len()));
    let heard = talk.heard();
    assert!(heard.starts_with("-ERR value too large: 2097"), "{heard}");
    assert!(heard.ends_with(" bytes, at most 8060 (keys included)|+PONG|"), "{heard}");
}

#[test]
fn who_does_not_read_is_not_listened_to() {
    let mut talk = Talk::new();
    let line = format!("ECHO {}\n", "x".repeat(1_000));
    for _ in 0..10_000 {
        if !talk.session.is_listening() {
            break;
        }
        talk.say(&line);
    }
    assert!(!talk.session.is_listening());
    assert!(talk.session.unsent().len() < OUTPUT_MAX + 2_000);
    // Everything comes through in the end.
    let mut heard = talk.heard().len();
    for _ in 0..100 {
        talk.session.run(&mut talk.node);
        heard += talk.heard().len();
    }
    assert!(talk.session.is_listening());
    assert!(heard > 200_000);
}

#[test]
fn waiting_commands_are_bounded() {
    let mut talk = Talk::new();
    let mut said = 0;
    while talk.session.is_listening() {
        talk.say("SET k v\n");
        said += 1;
        assert!(said < 100_000, "it listens for ever");
    }
    assert!(talk.node.writes.len() > 1_000);
    while !talk.node.writes.is_empty() {
        talk.apply();
    }
    assert_eq!(talk.heard(), "+OK|".repeat(said));
    assert!(talk.session.is_listening());
}

#[test]
fn hostile_bytes_never_panic() {
    let mut state = 3_u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(99);
        (state >> 33) as usize % below
    };
    let words = [
        "*3\r\n",
        "*1\r\n",
        "$3\r\n",
        "SET\r\n",
        "GET\r\n",
        "$1\r\n",
        "k\r\n",
        "\r\n",
        "PING\r\n",
        "INCR k\n",
        "GET k\n",
        "*-1\r\n",
        "$-1\r\n",
        "MSET a b c\n",
        "\0",
        "CLIENT ID\n",
        "DEL k\n",
        "CONFIG GET *\n",
        "COMMAND\n",
        "HELLO 3\n",
        "SELECT x\n",
        "FLUSHALL\n",
        "QUIT\n",
        "*9",
    ];
    for _ in 0..2_000 {
        let mut talk = Talk::new();
        for _ in 0..30 {
            talk.say(words[random(words.len())]);
            match random(4) {
                0 if !talk.node.writes.is_empty() => talk.apply(),
                1 => talk.confirm(),
                2 => drop(talk.heard()),
                _ => {}
            }
        }
    }
}
