//! One client's conversation, without its socket: bytes in, replies out in the order of the
//! commands, whatever order their answers come in.
//!
//! Every command takes a slot in a queue. Slots are filled out of order and leave in order. Two
//! rules make a pipeline mean what it says:
//!
//! - **A read is asked for when it is parsed, and answered when it reaches the front of the queue**
//!   and its quorum round is confirmed: after all earlier writes of this client were applied (or
//!   their fate told), so it sees them. Reading later than the round allows is still linearizable:
//!   the state only moves on.
//! - **A write is not proposed while an earlier read of this client waits.** Otherwise the read
//!   could see it. The write stays in the input until the reads are answered.

use super::encoding::{Command, Query, encode};
use super::local::{self, Who};
use super::machine::Response;
use super::queue::{Due, Queue, Slot};
use super::reply::{self, Protocol, Reply};
use super::request::{Request, is, parse, syntax_error};
use super::resp::{Found, Input, ProtocolError};
use super::table::Verb;
use super::transaction::{Ended, Transaction};

/// No more commands are taken while replies in the queue hold so many bytes of memory.
const QUEUE_MAX: usize = 1 << 20;
/// No more replies are written out while so many bytes wait to be sent.
pub const OUTPUT_MAX: usize = 256 << 10;
/// An output buffer that grew beyond this is given back once it is empty.
const OUTPUT_KEPT: usize = 64 << 10;

/// What a session needs of its node.
pub trait Backend {
    /// Proposes a command; its answer fills `slot` later.
    ///
    /// # Errors
    /// What to answer at once: nothing was proposed.
    fn write(&mut self, slot: u64, command: &Command<'_>) -> Result<(), Reply>;

    /// Asks for a read; `slot` is confirmed, or filled with an error, later.
    ///
    /// # Errors
    /// What to answer at once.
    fn read(&mut self, slot: u64) -> Result<(), Reply>;

    /// Looks at the state.
    fn query(&self, query: &[u8]) -> Response;

    /// The text of `INFO` with these sections.
    fn info(&self, sections: &[&[u8]]) -> String;

    /// The reply to `ROLE`.
    fn role(&self) -> Reply;

    /// Begins a snapshot: the reply to `BGSAVE`.
    fn save(&mut self) -> Reply;

    /// When the last snapshot was taken, in seconds since 1970.
    fn last_save(&self) -> u64;

    /// Where to send a client that wants to write, if not here.
    fn elsewhere(&self) -> Option<Reply>;

    /// Bytes in the longest command that the log takes.
    fn longest(&self) -> u64;
}

/// How long the conversation goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Open,
    /// The client says nothing more, but may listen.
    HalfClosed,
    /// Nothing more is listened to. What is due is still sent.
    Closing,
}

/// Why the next command has to wait, if it has to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hold {
    Free,
    /// Until replies have left, or reads were answered.
    Held,
}

/// A conversation.
#[derive(Debug)]
pub struct Session {
    who: Who,
    protocol: Protocol,
    /// Between `MULTI` and `EXEC`.
    transaction: Option<Transaction>,
    input: Input,
    queue: Queue,
    output: Vec<u8>,
    /// How much of the output was sent.
    sent: usize,
    life: Life,
    hold: Hold,
    commands: u64,
}

impl Session {
    /// The conversation of client `id`.
    pub fn new(id: u64) -> Self {
        Self {
            who: Who::new(id),
            protocol: Protocol::Resp2,
            transaction: None,
            input: Input::default(),
            queue: Queue::default(),
            output: Vec::new(),
            sent: 0,
            life: Life::Open,
            hold: Hold::Free,
            commands: 0,
        }
    }

    /// Bytes came from the client.
    pub fn receive(&mut self, bytes: &[u8]) {
        self.input.push(bytes);
    }

    /// The client says nothing more.
    pub fn receive_end(&mut self) {
        if self.life == Life::Open {
            self.life = Life::HalfClosed;
        }
    }

    /// Nothing more is listened to; what is due is still sent.
    pub fn close(&mut self) {
        self.life = Life::Closing;
        self.input.clear();
    }

    /// Whether more bytes should be read from the client now.
    pub fn is_listening(&self) -> bool {
        self.life == Life::Open && self.hold == Hold::Free
    }

    /// Whether all is said: the connection may be closed.
    pub fn is_over(&self) -> bool {
        let answered = self.queue.is_empty() && self.unsent().is_empty();
        match self.life {
            Life::Open => false,
            Life::HalfClosed => answered && self.hold == Hold::Free,
            Life::Closing => answered,
        }
    }

    /// What is to be sent.
    pub fn unsent(&self) -> &[u8] {
        self.output.get(self.sent..).unwrap_or_default()
    }

    /// So much of it was sent.
    pub fn sent(&mut self, bytes: usize) {
        self.sent = self.sent.saturating_add(bytes);
        if self.sent < self.output.len() {
            return;
        }
        self.sent = 0;
        self.output.clear();
        if self.output.capacity() > OUTPUT_KEPT {
            self.output = Vec::new();
        }
    }

    /// How many commands were taken since this was last asked.
    pub fn take_count(&mut self) -> u64 {
        std::mem::take(&mut self.commands)
    }

    /// Fills a slot. Nothing happens when it is filled already.
    pub fn fill(&mut self, slot: u64, reply: Reply) {
        self.queue.fill(slot, reply);
    }

    /// The read in `slot` may be answered.
    pub fn confirm(&mut self, slot: u64) {
        self.queue.confirm(slot);
    }

    /// Writes out what is answered and takes the commands that came, until there is nothing more
    /// to do or something has to wait.
    pub fn run<B: Backend>(&mut self, backend: &mut B) {
        loop {
            self.write_out(backend);
            let before = self.commands;
            self.take_commands(backend);
            if self.commands == before && !(self.queue.is_due() && self.has_room()) {
                return;
            }
        }
    }

    fn has_room(&self) -> bool {
        self.unsent().len() < OUTPUT_MAX
    }

    /// Moves replies from the front of the queue to the output.
    fn write_out<B: Backend>(&mut self, backend: &B) {
        while self.has_room() {
            let reply = match self.queue.pop() {
                Some(Due::Reply(reply)) => reply,
                Some(Due::Switch(reply, protocol)) => {
                    self.protocol = protocol;
                    reply
                }
                Some(Due::Query(query)) => reply::from_response(backend.query(&query)),
                None => return,
            };
            reply.append(self.protocol, &mut self.output);
        }
    }

    fn take_commands<B: Backend>(&mut self, backend: &mut B) {
        while self.life != Life::Closing {
            self.hold = Hold::Free;
            match self.input.poll() {
                Ok(Found::Incomplete) => return,
                Ok(_) if self.queue.cost() >= QUEUE_MAX || !self.has_room() => {
                    self.hold = Hold::Held;
                    return;
                }
                Ok(Found::TooLong(bytes)) => {
                    self.input.consume();
                    self.push_done(reply::too_large(bytes, backend.longest()));
                }
                Ok(Found::Command) => {
                    // Taken out, so that the words may be looked at while the session changes.
                    let mut input = std::mem::take(&mut self.input);
                    match input.arguments() {
                        Ok(words) => {
                            let words: Vec<&[u8]> = words.iter().map(AsRef::as_ref).collect();
                            self.take(&words, backend);
                        }
                        Err(error) => self.refuse(error),
                    }
                    if self.hold == Hold::Free {
                        input.consume();
                    }
                    self.input = input;
                    if self.hold == Hold::Held {
                        return;
                    }
                }
                Err(error) => self.refuse(error),
            }
        }
        self.input.clear();
    }

    fn refuse(&mut self, error: ProtocolError) {
        self.push_done(reply::error(format!("ERR Protocol error: {error}")));
        self.life = Life::Closing;
    }

    /// Takes one command, or holds it.
    fn take<B: Backend>(&mut self, words: &[&[u8]], backend: &mut B) {
        let Some(name) = words.first() else { return };
        if local::is_http(name) {
            // A web browser that was made to talk to us: as Redis, hear no more of it.
            self.life = Life::Closing;
            return;
        }
        let request = parse(words);
        let writes = match request {
            Ok(Request::Write(_)) => self.transaction.is_none(),
            Ok(Request::Exec) => true,
            _ => false,
        };
        if writes && self.queue.reads() > 0 {
            self.hold = Hold::Held;
            return;
        }
        self.commands = self.commands.saturating_add(1);
        match request {
            Ok(Request::Quit) => {
                self.push_done(reply::ok());
                self.life = Life::Closing;
            }
            Ok(Request::Exec) => self.exec(backend),
            request => match &mut self.transaction {
                Some(transaction) => {
                    let (reply, ended) =
                        transaction.take(request, backend.elsewhere(), backend.longest());
                    if ended == Ended::Yes {
                        self.transaction = None;
                    }
                    self.push_done(reply);
                }
                None => self.take_one(request, backend),
            },
        }
    }

    fn take_one<B: Backend>(&mut self, request: Result<Request<'_>, Reply>, backend: &mut B) {
        match request {
            Ok(Request::Write(change)) => self.write(&Command::Change(change), backend),
            Ok(Request::Read(query)) => self.read(&query, backend),
            Ok(Request::Local(verb, words)) => self.answer(verb, &words, backend),
            Ok(Request::Multi) => {
                let elsewhere = backend.elsewhere();
                self.transaction = Some(match elsewhere {
                    None => Transaction::default(),
                    Some(_) => Transaction::refused(),
                });
                self.push_done(elsewhere.unwrap_or_else(reply::ok));
            }
            Ok(Request::Discard) => self.push_done(reply::error("ERR DISCARD without MULTI")),
            // These two were taken before.
            Ok(Request::Exec | Request::Quit) => {}
            Err(reply) => self.push_done(reply),
        }
    }

    fn exec<B: Backend>(&mut self, backend: &mut B) {
        match self.transaction.take() {
            None => self.push_done(reply::error("ERR EXEC without MULTI")),
            Some(transaction) => match transaction.steps() {
                Ok(steps) if steps.is_empty() => self.push_done(Reply::Array(Vec::new())),
                Ok(steps) => self.write(&Command::Transaction(steps), backend),
                Err(reply) => self.push_done(reply),
            },
        }
    }

    fn answer<B: Backend>(&mut self, verb: Verb, words: &[&[u8]], backend: &mut B) {
        let reply = match verb {
            Verb::Info => reply::bulk(backend.info(words)),
            Verb::Role => backend.role(),
            Verb::BgSave => match words {
                [] => backend.save(),
                [word] if is(word, "schedule") => backend.save(),
                _ => syntax_error(),
            },
            Verb::LastSave => Reply::Integer(i64::try_from(backend.last_save()).unwrap_or(0)),
            Verb::Hello => match local::hello(words, &mut self.who) {
                Ok((reply, protocol)) => return self.queue.push(Slot::Switched(reply, protocol)),
                Err(reply) => reply,
            },
            _ => local::answer(verb, words, &mut self.who),
        };
        self.push_done(reply);
    }

    fn write<B: Backend>(&mut self, command: &Command<'_>, backend: &mut B) {
        match backend.write(self.queue.next(), command) {
            Ok(()) => self.queue.push(Slot::Writing),
            Err(reply) => self.push_done(reply),
        }
    }

    fn read<B: Backend>(&mut self, query: &Query<'_>, backend: &mut B) {
        match backend.read(self.queue.next()) {
            Ok(()) => self.queue.push(Slot::Reading(encode(query))),
            Err(reply) => self.push_done(reply),
        }
    }

    fn push_done(&mut self, reply: Reply) {
        self.queue.push(Slot::Done(reply));
    }
}
