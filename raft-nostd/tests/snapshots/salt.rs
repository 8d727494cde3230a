//! What a client can learn from datagrams does not let it write the journal.

use crate::support::{Solo, World};

/// The inverse of splitmix64's finaliser, by which the driver draws the incarnation.
fn unmix(z: u64) -> u64 {
    let unshift = |y: u64, by: u32| (0..64 / by + 1).fold(y, |z, _| y ^ (z >> by));
    let inverse =
        |odd: u64| (0..6).fold(odd, |x, _| x.wrapping_mul(2_u64.wrapping_sub(odd.wrapping_mul(x))));
    let z = unshift(z, 31).wrapping_mul(inverse(0x94d0_49bb_1331_11eb));
    let z = unshift(z, 27).wrapping_mul(inverse(0xbf58_476d_1ce4_e5b9));
    unshift(z, 30).wrapping_sub(0x9e37_79b9_7f4a_7c15)
}

fn mix(value: u64) -> u64 {
    let z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The salt in a journal's first head.
fn salt(solo: &Solo) -> u64 {
    let head = solo.world().journal.borrow().bytes(0);
    u64::from_le_bytes(head[60..68].try_into().unwrap())
}

#[test]
fn the_salt_does_not_follow_from_the_incarnation() {
    let open = |secret| Solo::with_secret(World::new(), 0x1234_5678_9abc_def0, secret).unwrap();
    let (one, other) = (open(5), open(6));
    let incarnation = one.driver.raft().life().incarnation;
    assert_eq!(incarnation, other.driver.raft().life().incarnation);
    assert_ne!(salt(&one), salt(&other));
    let seed = unmix(incarnation);
    assert_eq!(mix(seed), incarnation);
    for guess in [seed, !seed, mix(!seed), mix(seed), mix(mix(seed))] {
        assert_ne!(salt(&one), guess);
    }
}
