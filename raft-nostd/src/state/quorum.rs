//! Majorities over small arrays (dissertation §3.3): what at least half plus one of the voters
//! have reached.

/// The smallest majority of `voters`.
pub(crate) const fn majority(voters: usize) -> usize {
    (voters >> 1).saturating_add(1)
}

/// The greatest value that a majority of `values` has reached; `None` for no voters. Sorts in
/// place. O(voters²), and there are at most seven.
pub(crate) fn reached_by_majority<T: Ord + Copy>(values: &mut [T]) -> Option<T> {
    sort_descending(values);
    values.get(majority(values.len()).saturating_sub(1)).copied()
}

/// Insertion sort: small, and without a reachable panic.
fn sort_descending<T: Ord>(values: &mut [T]) {
    let mut sorted = 1;
    while sorted < values.len() {
        let mut at = sorted;
        while let Some([before, this]) =
            values.get_mut(at.saturating_sub(1)..).and_then(|pair| pair.first_chunk_mut::<2>())
        {
            if at == 0 || *before >= *this {
                break;
            }
            core::mem::swap(before, this);
            at = at.saturating_sub(1);
        }
        sorted = sorted.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts, for each candidate value, who has reached it: no sorting, no indexing.
    fn oracle(values: &[u64]) -> Option<u64> {
        let reached = |v: u64| values.iter().filter(|&&x| x >= v).count();
        values.iter().copied().filter(|&v| reached(v) * 2 > values.len()).max()
    }

    #[test]
    fn agrees_with_counting() {
        let mut state = 9_u64;
        for _ in 0..20_000 {
            let mut values = [0; 7];
            for value in &mut values {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(99);
                *value = (state >> 40) % 9;
            }
            let voters = (state >> 33) as usize % 8;
            let want = oracle(&values[..voters]);
            assert_eq!(reached_by_majority(&mut values[..voters]), want);
        }
    }

    #[test]
    fn even_sizes_need_more_than_half() {
        assert_eq!(reached_by_majority(&mut [9, 9, 1, 1]), Some(1));
        assert_eq!(majority(4), 3);
    }
}
