//! Follower, candidate, leader (dissertation §3.3, Figure 3.2), and the candidate before a
//! candidate (§9.6).

/// What a node is at present.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// Answers leaders and candidates.
    #[default]
    Follower,
    /// Asks whether it would win an election, without starting one (§9.6).
    PreCandidate,
    /// Asks for votes.
    Candidate,
    /// Replicates its log.
    Leader,
}

impl Role {
    /// A word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Follower => "follower",
            Self::PreCandidate => "pre-candidate",
            Self::Candidate => "candidate",
            Self::Leader => "leader",
        }
    }
}

impl core::fmt::Display for Role {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name())
    }
}
