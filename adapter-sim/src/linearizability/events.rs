//! The calls and returns of the operations that returned, in time order, as a doubly linked list
//! from which an operation can be lifted and put back in constant time (Lowe).

use std::time::Duration;

/// One entry of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// Operation number so-and-so was invoked.
    Call(usize),
    /// An operation returned, at this time.
    Return(Duration),
    /// The end of the list.
    End,
}

/// The place of an entry in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place(usize);

/// Where the list starts and ends: a node that is never lifted.
const ENDS: usize = 0;

#[derive(Debug)]
struct Node {
    event: Event,
    previous: usize,
    next: usize,
}

/// The list of the events of the operations that are not lifted.
#[derive(Debug)]
pub struct Events {
    nodes: Vec<Node>,
    /// The nodes of the call and of the return of each operation.
    ends_of: Vec<(usize, usize)>,
    remaining: usize,
}

impl Events {
    /// The list for operations that were each invoked and returned at these times.
    ///
    /// At equal times calls precede returns: then neither operation ended before the other began,
    /// and they may take effect in any order.
    pub fn new(intervals: &[(Duration, Duration)]) -> Self {
        let mut sorted = Vec::with_capacity(2 * intervals.len());
        for (operation, &(invoked, returned)) in intervals.iter().enumerate() {
            sorted.push((invoked, Side::Call, operation));
            sorted.push((returned, Side::Return, operation));
        }
        sorted.sort_unstable();

        let count = sorted.len() + 1;
        let mut nodes = vec![Node { event: Event::End, previous: count - 1, next: 1 % count }];
        let mut ends_of = vec![(ENDS, ENDS); intervals.len()];
        for (time, side, operation) in sorted {
            let at = nodes.len();
            let event = match side {
                Side::Call => {
                    ends_of[operation].0 = at;
                    Event::Call(operation)
                }
                Side::Return => {
                    ends_of[operation].1 = at;
                    Event::Return(time)
                }
            };
            nodes.push(Node { event, previous: at - 1, next: (at + 1) % count });
        }
        Self { nodes, ends_of, remaining: intervals.len() }
    }

    /// How many operations are not lifted.
    pub fn remaining(&self) -> usize {
        self.remaining
    }

    /// The first place.
    pub fn first(&self) -> Place {
        Place(self.nodes[ENDS].next)
    }

    /// The first of the remaining operations to be invoked; 0 if none remains.
    pub fn first_call(&self) -> usize {
        match self.event(self.first()) {
            Event::Call(operation) => operation,
            Event::Return(_) | Event::End => 0,
        }
    }

    /// The place after the call of `operation`, which must not be lifted.
    pub fn after_call(&self, operation: usize) -> Place {
        Place(self.nodes[self.ends_of[operation].0].next)
    }

    /// What happened at `place`.
    pub fn event(&self, place: Place) -> Event {
        self.nodes[place.0].event
    }

    /// When the first of the remaining operations to return did so.
    pub fn first_return(&self) -> Option<Duration> {
        let mut at = self.nodes[ENDS].next;
        loop {
            match self.nodes[at].event {
                Event::Call(_) => at = self.nodes[at].next,
                Event::Return(time) => return Some(time),
                Event::End => return None,
            }
        }
    }

    /// Takes both events of `operation` out of the list.
    pub fn lift(&mut self, operation: usize) {
        let (call, returned) = self.ends_of[operation];
        self.unlink(call);
        self.unlink(returned);
        self.remaining -= 1;
    }

    /// Undoes the last [`lift`](Self::lift) not undone yet, which must be that of `operation`.
    pub fn put_back(&mut self, operation: usize) {
        let (call, returned) = self.ends_of[operation];
        self.relink(returned);
        self.relink(call);
        self.remaining += 1;
    }

    fn unlink(&mut self, at: usize) {
        let (previous, next) = (self.nodes[at].previous, self.nodes[at].next);
        self.nodes[previous].next = next;
        self.nodes[next].previous = previous;
    }

    fn relink(&mut self, at: usize) {
        let (previous, next) = (self.nodes[at].previous, self.nodes[at].next);
        self.nodes[previous].next = at;
        self.nodes[next].previous = at;
    }
}

/// The order of events at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    Call,
    Return,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(events: &Events) -> Vec<Event> {
        let mut seen = Vec::new();
        let mut at = events.nodes[ENDS].next;
        while at != ENDS {
            assert_eq!(events.nodes[events.nodes[at].next].previous, at);
            seen.push(events.nodes[at].event);
            at = events.nodes[at].next;
        }
        seen
    }

    #[test]
    fn lifting_and_putting_back_restores_the_list() {
        let ms = Duration::from_millis;
        let mut events = Events::new(&[(ms(1), ms(3)), (ms(3), ms(4)), (ms(2), ms(9))]);
        let whole = walk(&events);
        let (call, back) = (Event::Call, |time| Event::Return(ms(time)));
        assert_eq!(whole, [call(0), call(2), call(1), back(3), back(4), back(9)]);

        events.lift(0);
        assert_eq!(walk(&events), [call(2), call(1), back(4), back(9)]);
        assert_eq!((events.first_return(), events.first_call()), (Some(ms(4)), 2));
        events.lift(1);
        events.lift(2);
        assert_eq!((events.remaining(), events.event(events.first())), (0, Event::End));
        assert_eq!(events.first_return(), None);
        for operation in [2, 1, 0] {
            events.put_back(operation);
        }
        assert_eq!((walk(&events), events.remaining()), (whole, 3));
        assert_eq!(events.event(events.after_call(0)), call(2));
    }

    #[test]
    fn an_empty_list_ends_at_once() {
        let events = Events::new(&[]);
        assert_eq!(events.event(events.first()), Event::End);
    }
}
