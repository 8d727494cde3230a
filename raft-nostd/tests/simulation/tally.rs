//! How often each thing took effect.

macro_rules! tally {
    ($($counter:ident),+ $(,)?) => {
        /// How often each fault took effect, and what was done in spite of it.
        #[derive(Clone, Copy, Debug, Default)]
        pub struct Tally {
            $(pub $counter: u64,)+
        }

        impl Tally {
            pub fn add(&mut self, other: &Tally) {
                $(self.$counter += other.$counter;)+
            }

            pub fn assert_all_took_effect(&self) {
                $(assert!(self.$counter > 0, "never happened: {}", stringify!($counter));)+
            }
        }
    };
}

tally! {
    virtual_millis,
    delivered,
    lost,
    duplicated,
    flipped,
    late,
    dawdled,
    partitions,
    ambushes,
    crashes,
    leader_crashes,
    blackouts,
    kills,
    seals,
    torn,
    undone,
    rotten,
    interrupted_recoveries,
    pauses,
    full,
    sync_failures,
    deferred_syncs,
    elections,
    applied,
    proposals_lost,
    reads,
    truncations,
    full_for_good,
    exhausted,
}
