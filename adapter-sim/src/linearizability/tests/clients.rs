//! Clients that ask a store one thing after another, in simulated time. The store can be at fault.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::{History, OperationId};
use super::dice::Dice;
use super::subject::Subject;

/// What is wrong with the store, for one operation in [`FAULTY_OF`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    None,
    /// Reads see the value before the last write.
    StaleRead,
    /// What is acknowledged is not done.
    LostWrite,
    /// What is done is done again some time later.
    DoneTwice,
    /// What is acknowledged is done some time later.
    DoneLate,
    /// What was done, and may have been seen, is undone.
    Undone,
}

const FAULTY_OF: u64 = 20;

/// One client gives up in this time.
const PATIENCE: u64 = 100_000;

/// What goes on.
#[derive(Debug, Clone, Copy)]
pub struct Scene {
    pub clients: u64,
    pub keys: u64,
    pub operations: usize,
    /// One operation of so many gets no answer.
    pub unknown_of: u64,
    pub values: u64,
    pub fault: Fault,
}

/// Plays the scene, and returns what the clients recorded.
pub fn play<S: Subject>(scene: Scene, seed: u64) -> History<S> {
    let mut play = Play {
        scene,
        dice: Dice::new(seed),
        history: History::new(),
        agenda: BTreeMap::new(),
        serial: 0,
        store: BTreeMap::new(),
    };
    for client in 0..scene.clients {
        play.at(client, Event::Ask { client });
    }
    while let Some(((now, _), event)) = play.agenda.pop_first() {
        play.happen(now, event);
    }
    play.history
}

/// What is to happen.
enum Event<S: Subject> {
    Ask { client: u64 },
    Arrive(Request<S>),
    Answer { id: OperationId, client: u64, reply: S::Reply },
    Do(Request<S>),
    Undo { key: u64 },
}

struct Request<S: Subject> {
    key: u64,
    call: S::Call,
    /// Who wants to hear of it.
    asker: Option<(OperationId, u64)>,
}

struct Play<S: Subject> {
    scene: Scene,
    dice: Dice,
    history: History<S>,
    /// By microsecond, and in the order of planning.
    agenda: BTreeMap<(u64, u64), Event<S>>,
    serial: u64,
    /// The values before the last write and now.
    store: BTreeMap<u64, [S::Value; 2]>,
}

impl<S: Subject> Play<S> {
    fn at(&mut self, time: u64, event: Event<S>) {
        self.serial += 1;
        self.agenda.insert((time, self.serial), event);
    }

    fn soon(&mut self, now: u64) -> u64 {
        now + 1 + self.dice.below(2_000)
    }

    fn happen(&mut self, now: u64, event: Event<S>) {
        match event {
            Event::Ask { client } => self.ask(now, client),
            Event::Arrive(request) => self.arrive(now, request),
            Event::Answer { id, client, reply } => {
                self.history.respond(id, reply, Duration::from_micros(now));
                let next = self.soon(now);
                self.at(next, Event::Ask { client });
            }
            Event::Do(request) => drop(self.serve(request.key, &request.call)),
            Event::Undo { key } => {
                let values = self.store.entry(key).or_default();
                values[1] = values[0].clone();
            }
        }
    }

    fn ask(&mut self, now: u64, client: u64) {
        if self.history.operations().len() == self.scene.operations {
            return;
        }
        let key = self.dice.below(self.scene.keys);
        let call = S::random_call(&mut self.dice, self.scene.values);
        let at = Duration::from_micros(now);
        let id = self.history.invoke(client, format!("k{key}"), call.clone(), at);
        let soon = self.soon(now);
        if !self.dice.one_in(self.scene.unknown_of) {
            self.at(soon, Event::Arrive(Request { key, call, asker: Some((id, client)) }));
            return;
        }
        // It is lost, or only the answer is, or it comes long after the client has given up.
        let when = [None, Some(soon), Some(soon + self.dice.below(3 * PATIENCE))];
        if let Some(when) = when[self.dice.index(3)] {
            self.at(when, Event::Arrive(Request { key, call, asker: None }));
        }
        self.at(now + PATIENCE, Event::Ask { client });
    }

    fn arrive(&mut self, now: u64, request: Request<S>) {
        let Request { key, call, asker } = request;
        let is_faulty = self.scene.fault != Fault::None && self.dice.one_in(FAULTY_OF);
        let fault = if is_faulty { self.scene.fault } else { Fault::None };
        let later = now + 1 + self.dice.below(20_000);
        let [before, value] = self.store.entry(key).or_default().clone();
        let again = |call| Event::Do(Request { key, call, asker: None });
        let reply = match fault {
            Fault::StaleRead if S::is_read(&call) => S::serve(&before, &call).1,
            Fault::LostWrite => S::serve(&value, &call).1,
            Fault::DoneLate => {
                let reply = S::serve(&value, &call).1;
                self.at(later, again(call));
                reply
            }
            Fault::DoneTwice => {
                self.at(later, again(call.clone()));
                self.serve(key, &call)
            }
            Fault::Undone => {
                self.at(later, Event::Undo { key });
                self.serve(key, &call)
            }
            Fault::None | Fault::StaleRead => self.serve(key, &call),
        };
        if let Some((id, client)) = asker {
            let soon = self.soon(now);
            self.at(soon, Event::Answer { id, client, reply });
        }
    }

    fn serve(&mut self, key: u64, call: &S::Call) -> S::Reply {
        let values = self.store.entry(key).or_default();
        let (after, reply) = S::serve(&values[1], call);
        if after != values[1] {
            let before = std::mem::replace(&mut values[1], after);
            values[0] = before;
        }
        reply
    }
}
