//! The state machine. Its state is short, and yet no two histories of commands end in the same one.
//! It writes itself in pieces of any length while commands go on being applied, and takes another
//! state's pieces in place of its own.

use crate::judge::hash;
use crate::quiet::blamed;
use crate::random::Random;
use crate::subject::{Guest, Kind};
use raft_nostd::{Committed, Index, NodeId, Position, SnapshotError, StateMachine};
use std::collections::VecDeque;
use std::rc::Rc;

/// In what pieces a machine writes itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// In many, of any length.
    Pieces,
    /// As few as can be, often a single one; and the same state in the same way, on all nodes.
    Packed,
}

/// How much of itself a machine keeps: the same on all nodes.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// The digests of so many commands, the last ones.
    pub digests: usize,
    /// Bytes that say nothing, to be long.
    pub padding: usize,
    /// How it writes itself.
    pub style: Style,
}

/// What comes of a history of commands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    pub commands: u64,
    /// Over all commands and their positions.
    pub digest: u64,
    pub last: Position,
    digests: VecDeque<u64>,
}

/// What a machine has done.
pub enum Step {
    /// With what the subject answered.
    Applied(Position, Vec<u8>, String),
    /// A snapshot replaced its state.
    Restored(State),
}

/// What a machine with durability of its own has durably.
pub struct Kept {
    state: State,
    subject: Box<dyn Guest>,
}

impl Kept {
    /// What one has at first; `None` for a subject that cannot be copied.
    pub fn first(kind: &Kind) -> Option<Self> {
        Some(Self { state: State::default(), subject: kind.make().copy()? })
    }

    pub fn copy(&self) -> Option<Self> {
        Some(Self { state: self.state.clone(), subject: self.subject.copy()? })
    }
}

pub struct Machine {
    /// Whose it is.
    id: NodeId,
    pub state: State,
    subject: Box<dyn Guest>,
    kind: Rc<Kind>,
    /// What it has durably, when it is durable by itself: perhaps an older state.
    kept: Option<Kept>,
    size: Size,
    /// The snapshot that is being written.
    image: Option<Image>,
    /// The snapshot that is being read.
    reading: Reading,
    random: Random,
    steps: Vec<Step>,
}

/// A snapshot that is being written: first the subject's pieces, then the simulator's.
struct Image {
    /// Bytes of the subject's pieces so far.
    subject: u64,
    subject_ended: bool,
    own: Vec<u8>,
    /// Bytes of `own` that were written.
    written: usize,
    /// Of the subject, what did not fit into the last packed piece.
    left_over: Option<Vec<u8>>,
}

/// A snapshot that is being read.
#[derive(Default)]
struct Reading {
    offset: u64,
    subject: u64,
    own: Vec<u8>,
}

/// What a piece is of: its first byte.
const SUBJECT: u8 = 0;
const OWN: u8 = 1;
/// Of both: each part behind its kind and its length.
const PACKED: u8 = 2;
/// Bytes before each part of a packed piece.
const PART_HEAD: usize = 3;

impl Size {
    /// Bytes of the longest snapshot.
    pub fn bytes(&self) -> usize {
        32 + 8 * self.digests + self.padding
    }
}

impl State {
    pub fn apply(&mut self, size: &Size, position: Position, command: &[u8]) {
        let digest = hash(command);
        self.commands += 1;
        self.digest = self.digest.rotate_left(7) ^ digest ^ position.index.0 ^ position.term.0;
        self.last = position;
        self.digests.push_back(digest);
        if self.digests.len() > size.digests {
            self.digests.pop_front();
        }
    }

    fn to_bytes(&self, size: &Size) -> Vec<u8> {
        let Position { term, index } = self.last;
        let fields = [self.commands, self.digest, term.0, index.0];
        let words = fields.iter().chain(&self.digests);
        let padding = (0..size.padding).map(|at| (self.digest >> (at % 57)) as u8);
        words.flat_map(|word| word.to_le_bytes()).chain(padding).collect()
    }

    fn from_bytes(size: &Size, bytes: &[u8]) -> Option<Self> {
        let words = bytes.len().checked_sub(size.padding)?;
        let words: Vec<_> = bytes[..words]
            .chunks(8)
            .map(|word| Some(u64::from_le_bytes(word.try_into().ok()?)))
            .collect::<Option<_>>()?;
        let [commands, digest, term, index, digests @ ..] = &words[..] else { return None };
        let state = Self {
            commands: *commands,
            digest: *digest,
            last: Position::new(*term, *index),
            digests: digests.iter().copied().collect(),
        };
        (state.to_bytes(size) == bytes).then_some(state)
    }
}

impl Machine {
    /// `kept`: what a machine with durability of its own has.
    pub fn new(id: NodeId, kept: Option<Kept>, (kind, size): (&Rc<Kind>, Size), seed: u64) -> Self {
        let copy = kept.as_ref().and_then(Kept::copy);
        let first = || Kept { state: State::default(), subject: kind.make() };
        let Kept { state, subject } = copy.unwrap_or_else(first);
        Self {
            id,
            state,
            subject,
            kind: Rc::clone(kind),
            kept,
            size,
            image: None,
            reading: Reading::default(),
            random: Random::new(seed),
            steps: Vec::new(),
        }
    }

    /// What it has durably.
    pub fn kept(&mut self) -> Option<Kept> {
        self.kept.take()
    }

    pub fn take_steps(&mut self) -> Vec<Step> {
        std::mem::take(&mut self.steps)
    }

    /// Whether it writes snapshots.
    pub fn compacts(&self) -> bool {
        self.kind.compacts
    }

    /// Whether it keeps an image of its state for a snapshot.
    pub fn holds_image(&self) -> bool {
        self.image.is_some()
    }

    /// What the subject answers now.
    pub fn answers(&self) -> Vec<String> {
        self.kind.reads.iter().map(|question| self.answer(question)).collect()
    }

    /// What the subject answers to a question.
    pub fn answer(&self, question: &[u8]) -> String {
        let (id, subject) = (self.id, &self.subject);
        let deed = || format!("{id:?}'s state machine panics in query {question:?}");
        blamed(deed, || subject.query(question))
    }

    /// Makes the state durable, when it does such things at all, and feels like it.
    fn keep(&mut self) {
        if self.kept.is_some() && self.random.below(3) > 0 {
            let subject = self.subject.copy().expect("it was copied before");
            self.kept = Some(Kept { state: self.state.clone(), subject });
        }
    }

    fn begin_image(&mut self) {
        // (What nothing was applied to has nothing to say: so there are empty snapshots.)
        let blank = self.state.commands == 0;
        let own = if blank { Vec::new() } else { self.state.to_bytes(&self.size) };
        self.image =
            Some(Image { subject: 0, subject_ended: blank, own, written: 0, left_over: None });
    }

    /// The next piece of the subject; `None` at its end.
    fn subject_piece(&mut self, piece: &mut [u8]) -> Result<Option<usize>, SnapshotError> {
        let image = self.image.as_mut().expect("begun");
        if image.subject_ended {
            return Ok(None);
        }
        let (at, id, most) = (image.subject, self.id, self.kind.snapshot_max);
        let written = self.write_subject(at, piece);
        if let Err(error) = written {
            assert!(
                !self.kind.compacts,
                "{id:?}'s state machine does not write its snapshot, at byte {at}: {error}"
            );
            self.image = None;
            return Err(error);
        }
        let len = written?;
        let image = self.image.as_mut().expect("begun");
        assert!(
            len <= piece.len(),
            "{id:?}'s state machine says that it wrote {len} bytes of its snapshot into {}",
            piece.len()
        );
        image.subject += len as u64;
        assert!(
            image.subject <= most as u64,
            "{id:?}'s state machine writes a snapshot of more than SNAPSHOT_MAX = {most} bytes"
        );
        image.subject_ended = len == 0;
        Ok((len > 0).then_some(len))
    }

    fn write_subject(&mut self, at: u64, piece: &mut [u8]) -> Result<usize, SnapshotError> {
        let (id, subject) = (self.id, &mut self.subject);
        let deed = || format!("{id:?}'s state machine panics in snapshot at byte {at}");
        blamed(deed, || subject.snapshot(at, piece))
    }

    /// A piece of a snapshot for the subject. Until the end, which is an empty one, it answers what it did.
    fn read_subject(&mut self, at: u64, piece: &[u8]) {
        if piece.is_empty() {
            return self.restore_subject(at, piece);
        }
        let question = self.kind.draw_question(&mut Random::new(at));
        let before = self.answer(&question);
        self.restore_subject(at, piece);
        let (id, after) = (self.id, self.answer(&question));
        assert!(
            before == after,
            "{id:?}'s state machine answers query {question:?} with {before}, and with {after} once it was given \
             a piece of a snapshot, at byte {at}, before the end: until that the old state stays"
        );
    }

    fn restore_subject(&mut self, at: u64, piece: &[u8]) {
        let (id, subject) = (self.id, &mut self.subject);
        let deed = || format!("{id:?}'s state machine panics in restore at byte {at}");
        let mut taken = blamed(deed, || subject.restore(at, piece));
        // Whoever was given a piece may have to begin anew: what was sent may break off.
        if at == 0 && !piece.is_empty() && taken.is_ok() {
            taken = blamed(deed, || subject.restore(at, piece));
        }
        if let Err(error) = taken {
            panic!("{id:?}'s state machine does not take its own snapshot, at byte {at}: {error}");
        }
    }

    /// The next piece of the simulator's state; zero at its end.
    fn own_piece(&mut self, piece: &mut [u8]) -> usize {
        let image = self.image.as_mut().expect("begun");
        let rest = &image.own[image.written..];
        // The first piece may be short, the others are at least half as long as they might be: so
        // it is known how many there are at most.
        let least = match (self.size.style, image.written) {
            (Style::Packed, _) => piece.len(),
            (Style::Pieces, 0) => 1,
            (Style::Pieces, _) => piece.len().div_ceil(2),
        };
        let len = least + self.random.below((piece.len() - least) as u64 + 1) as usize;
        let len = len.min(rest.len());
        piece[..len].copy_from_slice(&rest[..len]);
        image.written += len;
        len
    }

    /// As much as fits into one piece, behind the byte that says so; zero at the end.
    fn packed_piece(&mut self, piece: &mut [u8]) -> Result<usize, SnapshotError> {
        let mut len = 0;
        // What is alone in its piece fits.
        let mut longest = vec![0; piece.len() - PART_HEAD];
        while let Some(part) = self.subject_part(&mut longest)? {
            let Some(room) = piece.get_mut(len..len + PART_HEAD + part.len()) else {
                self.image.as_mut().expect("begun").left_over = Some(part);
                return Ok(len);
            };
            put_part(room, SUBJECT, &part);
            len += room.len();
        }
        let room = &mut piece[len..];
        if room.len() > PART_HEAD {
            let own = self.own_piece(&mut longest[..room.len() - PART_HEAD]);
            if own > 0 {
                put_part(&mut room[..PART_HEAD + own], OWN, &longest[..own]);
                len += PART_HEAD + own;
            }
        }
        Ok(len)
    }

    /// What comes next of the subject.
    fn subject_part(&mut self, buf: &mut [u8]) -> Result<Option<Vec<u8>>, SnapshotError> {
        let left_over = self.image.as_mut().expect("begun").left_over.take();
        if left_over.is_some() {
            return Ok(left_over);
        }
        Ok(self.subject_piece(buf)?.map(|len| buf[..len].to_vec()))
    }

    fn give_up_image(&mut self) {
        if let Some(image) = self.image.take()
            && !image.subject_ended
        {
            _ = self.write_subject(image.subject, &mut []);
        }
    }

    fn read(&mut self, kind: u8, bytes: &[u8]) {
        let reading = &mut self.reading;
        if kind == OWN {
            reading.own.extend(bytes);
            return;
        }
        let at = reading.subject;
        reading.subject += bytes.len() as u64;
        self.read_subject(at, bytes);
    }

    /// All pieces were read: they are the state.
    fn switch(&mut self) {
        let Reading { offset, subject, own } = std::mem::take(&mut self.reading);
        if offset == 0 {
            self.state = State::default();
            self.subject = self.kind.make();
        } else {
            self.state = State::from_bytes(&self.size, &own).expect("a snapshot is one, and whole");
            self.read_subject(subject, &[]);
        }
        self.steps.push(Step::Restored(self.state.clone()));
        self.keep();
    }
}

/// A part of a packed piece: `room` is as long as that is.
fn put_part(room: &mut [u8], kind: u8, part: &[u8]) {
    let [low, high] = (part.len() as u16).to_le_bytes();
    room[..PART_HEAD].copy_from_slice(&[kind, low, high]);
    room[PART_HEAD..].copy_from_slice(part);
}

impl StateMachine for Machine {
    type Response = ();

    fn apply(&mut self, committed: Committed<'_>) {
        let Committed { position, command } = committed;
        self.state.apply(&self.size, position, command);
        let (id, subject) = (self.id, &mut self.subject);
        let deed = || {
            format!("{id:?}'s state machine panics in apply of {position} (command {command:?})")
        };
        let answer = blamed(deed, || subject.apply(committed));
        self.steps.push(Step::Applied(position, command.to_vec(), answer));
        self.keep();
    }

    fn query(&self, _request: &[u8]) {}

    fn applied(&self) -> Index {
        self.state.last.index
    }

    fn snapshot(&mut self, offset: u64, piece: &mut [u8]) -> Result<usize, SnapshotError> {
        let Some((kind, bytes)) = piece.split_first_mut() else {
            self.give_up_image();
            return Ok(0);
        };
        if offset == 0 {
            self.give_up_image();
            self.begin_image();
        }
        if self.size.style == Style::Packed {
            *kind = PACKED;
            let len = self.packed_piece(bytes)?;
            if len == 0 {
                self.image = None;
            }
            return Ok(if len == 0 { 0 } else { 1 + len });
        }
        if let Some(len) = self.subject_piece(bytes)? {
            *kind = SUBJECT;
            return Ok(1 + len);
        }
        let len = self.own_piece(bytes);
        if len == 0 {
            self.image = None;
            return Ok(0);
        }
        *kind = OWN;
        Ok(1 + len)
    }

    fn restore(&mut self, offset: u64, piece: &[u8]) -> Result<(), SnapshotError> {
        if offset == 0 {
            self.reading = Reading::default();
        }
        let reading = &mut self.reading;
        assert_eq!(offset, reading.offset, "the pieces follow each other");
        reading.offset += piece.len() as u64;
        match piece.split_first() {
            None => self.switch(),
            Some((&PACKED, mut parts)) => {
                while let Some((head, rest)) = parts.split_first_chunk::<PART_HEAD>() {
                    let len = usize::from(u16::from_le_bytes([head[1], head[2]]));
                    let (part, rest) = rest.split_at(len);
                    self.read(head[0], part);
                    parts = rest;
                }
            }
            Some((kind, bytes)) => self.read(*kind, bytes),
        }
        Ok(())
    }
}
