//! A 64-bit hash of the whole state that does not depend on the order of its entries, so that it
//! can be kept up to date entry by entry, and compared between nodes at equal applied index.

/// The sum of the hashes of all entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Digest(u64);

impl Digest {
    /// An entry is there now.
    pub fn add(&mut self, kind: Kind, key: &[u8], value: &[u8]) {
        self.0 = self.0.wrapping_add(entry(kind, key, value));
    }

    /// As a number.
    pub fn to_bits(self) -> u64 {
        self.0
    }

    /// An entry is gone.
    pub fn remove(&mut self, kind: Kind, key: &[u8], value: &[u8]) {
        self.0 = self.0.wrapping_sub(entry(kind, key, value));
    }
}

impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// What an entry is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A key and its value.
    Value = 1,
    /// A node and its address.
    Address = 2,
}

fn entry(kind: Kind, key: &[u8], value: &[u8]) -> u64 {
    let start = absorb(mix(kind as u64), key);
    mix(absorb(start, value))
}

/// Eight bytes at a time, then how many there were.
fn absorb(mut hash: u64, bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        hash = mix(hash ^ u64::from_le_bytes(*word));
    }
    let mut last = [0; 8];
    for (to, from) in last.iter_mut().zip(rest) {
        *to = *from;
    }
    hash = mix(hash ^ u64::from_le_bytes(last));
    mix(hash ^ bytes.len() as u64)
}

/// The finalizer of SplitMix64: a bijection in which each bit of the input changes about half of
/// the output.
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_does_not_matter_and_contents_do() {
        let mut one = Digest::default();
        one.add(Kind::Value, b"a", b"1");
        one.add(Kind::Value, b"b", b"2");
        let mut other = Digest::default();
        other.add(Kind::Value, b"b", b"2");
        other.add(Kind::Value, b"a", b"1");
        assert_eq!(one, other);
        other.remove(Kind::Value, b"b", b"2");
        other.add(Kind::Value, b"b2", b"");
        assert_ne!(one, other);
        // The same on every machine and in every version.
        assert_eq!(one.to_string(), "be4744e089afc188");
    }

    #[test]
    fn the_border_of_key_and_value_counts() {
        let entries: [(Kind, &[u8], &[u8]); 5] = [
            (Kind::Value, b"ab", b"c"),
            (Kind::Value, b"a", b"bc"),
            (Kind::Value, b"abc", b""),
            (Kind::Value, b"abc\0", b""),
            (Kind::Address, b"abc", b""),
        ];
        let mut hashes: Vec<u64> = entries.iter().map(|(k, a, b)| entry(*k, a, b)).collect();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), entries.len());
    }
}
