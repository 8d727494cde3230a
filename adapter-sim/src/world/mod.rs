//! The cluster, its clients, its network, and time.

mod ask;
pub mod client;
mod converge;
mod launch;
mod mischief;
pub mod network;
pub mod tally;
pub mod tell;
mod time;
mod traffic;
mod watch;

use crate::judge::Judge;
use crate::place::Place;
use crate::random::Random;
use crate::story::Story;
use crate::subject::Kind;
use crate::swarm::Swarm;
use crate::world::client::Clients;
use crate::world::network::Network;
use crate::world::tally::Tally;
use crate::world::tell::Teller;
use crate::world::traffic::Traffic;
use crate::world::watch::Watch;
use raft_nostd::{Instant, NodeId};
use std::cell::RefCell;
use std::rc::Rc;

pub struct World {
    pub random: Random,
    pub swarm: Swarm,
    pub voters: Vec<NodeId>,
    pub places: Vec<Place>,
    pub network: Network,
    pub now: Instant,
    pub judge: Judge,
    pub clients: Clients,
    pub tally: Tally,
    /// A hash over everything that was delivered.
    pub trace: u64,
    /// A leader refused a proposal because the log is full for good.
    full: bool,
    pub teller: Teller,
    watch: Watch,
    traffic: Traffic,
    kind: Rc<Kind>,
    buf: Vec<u8>,
}

impl World {
    pub fn new(
        mut random: Random,
        swarm: Swarm,
        kind: &Rc<Kind>,
        story: Option<Rc<RefCell<Story>>>,
    ) -> Self {
        let voters: Vec<_> = (1..=swarm.nodes).map(|id| NodeId::new(id).unwrap()).collect();
        let places = voters.iter().map(|id| Place::new(*id, &swarm, kind, &mut random)).collect();
        let voters_len = voters.len();
        let mut world = Self {
            places,
            network: Network::new(voters.len()),
            judge: Judge::new(voters.len(), swarm.snapshots.size),
            buf: vec![0; swarm.datagram as usize],
            kind: Rc::clone(kind),
            random,
            swarm,
            voters,
            now: Instant::ORIGIN,
            clients: Clients::default(),
            tally: Tally::default(),
            trace: 0,
            full: false,
            teller: Teller::default(),
            watch: Watch::new(voters_len),
            traffic: Traffic::new(voters_len),
        };
        world.teller = Teller::new(story, world.places.len());
        world.teller.scene(&tell::cast(&world.voters));
        world.draw_rotten();
        for at in 0..world.places.len() {
            world.start(at);
        }
        world
    }

    /// Draws whose disks may rot: those of a minority, so that a majority keeps what it is given.
    fn draw_rotten(&mut self) {
        for _ in 0..(self.places.len() - 1) / 2 {
            let at = self.random.below(self.places.len() as u64) as usize;
            self.places[at].may_rot = true;
        }
    }

    /// Everything goes wrong, for a while or until the logs are full.
    pub fn run_with_faults(&mut self) {
        let end = self.now.plus(self.swarm.span);
        while self.now < end && !self.all_are_full() {
            self.random.mark();
            self.mischief();
            self.client_asks();
            self.wait();
        }
    }

    /// Whether every node has room for snapshots: then nothing may ever be full for good.
    fn all_compact(&self) -> bool {
        self.places.iter().all(|place| place.compacts)
    }
}
