//! The contenders, in the order of the table. Ratios are to the first.

use crate::Cluster;
use crate::measure::{self, Mode, Plan, Sample};
use crate::tikv::Tikv;

/// Every contender.
pub const CONTENDERS: &[Contender] = &[
    Contender::of::<crate::ours::Ours>("ours", &Mode::ALL),
    Contender::of::<Tikv<true>>("tikv", &Mode::ALL),
    // The same but for how it proposes a batch.
    Contender::of::<Tikv<false>>("tikv-each", &[Mode::Batch]),
];

/// A named implementation of [`Cluster`].
pub struct Contender {
    /// What it is called on the command line and in the table.
    pub name: &'static str,
    /// The modes worth running it in.
    pub modes: &'static [Mode],
    /// Runs it once, on a cluster of its own.
    pub run: fn(&Plan) -> Sample,
}

impl Contender {
    const fn of<C: Cluster>(name: &'static str, modes: &'static [Mode]) -> Self {
        Self { name, modes, run: measure::run::<C> }
    }
}
