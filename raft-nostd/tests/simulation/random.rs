//! splitmix64: one stream of randomness for a whole run.

use raft_nostd::Duration;

pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.bits() % bound }
    }

    pub fn in_a_thousand(&mut self, chance: u64) -> bool {
        self.below(1_000) < chance
    }

    pub fn among<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }

    /// Up to `tenths` tenths of `whole`.
    pub fn tenths(&mut self, whole: Duration, tenths: u64) -> Duration {
        Duration::from_micros(self.below(whole.as_micros() * tenths / 10 + 1))
    }
}
