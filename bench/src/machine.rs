//! The replicated state machine, the same for every contender.

use crate::Command;

/// Folds every applied command into a digest that depends on their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Machine {
    applied: u64,
    digest: u64,
}

impl Machine {
    /// Applies one command.
    ///
    /// # Panics
    ///
    /// If it is not as long as a [`Command`].
    #[inline]
    pub fn apply(&mut self, command: &[u8]) {
        let (words, rest) = command.as_chunks::<8>();
        assert!(words.len() * 8 == size_of::<Command>() && rest.is_empty());
        for word in words {
            // The multiplication makes the fold order-sensitive (this is FNV-1a over words).
            self.digest = (self.digest ^ u64::from_le_bytes(*word)).wrapping_mul(0x100_0000_01b3);
        }
        self.applied += 1;
    }

    /// How many commands were applied.
    pub fn applied(&self) -> u64 {
        self.applied
    }

    /// The fold of all commands applied, in order.
    pub fn digest(&self) -> u64 {
        self.digest
    }
}
