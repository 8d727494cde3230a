//! The bytes that `WIRE.md` promises of a snapshot, made here without the library.

use crate::forge::{HEADER, Record, end_body, head_body};
use crate::support::{Image, Setup};
use adapter_std::memory::Behaviour;
use raft_nostd::vault::Origin;

/// The blocks of `WIRE.md` that are fenced as ```` ```hex snapshot-... ````.
fn printed(name: &str) -> Vec<u8> {
    let document = include_str!("../../../WIRE.md");
    let (_, rest) = document.split_once(&format!("```hex snapshot-{name}\n")).unwrap();
    let (block, _) = rest.split_once("```").unwrap();
    let hex = block.lines().flat_map(|line| line.split('|').next().unwrap().split_whitespace());
    hex.map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x} ")).collect()
}

#[test]
fn a_small_snapshot_is_these_bytes() {
    let setup = Setup::new((2, 512, 1), Behaviour::File, 512, 100);
    let image = Image::new(300, vec![b"abc".to_vec()]);
    let mut medium = setup.medium();
    let mut vault = setup.open(&mut medium, 0x2122_2324).unwrap();
    image.write(&mut vault, &mut medium, Origin::Peer).unwrap();

    let generation = (1 << 32) | 0x2122_2324;
    let bodies = [
        (b'h', head_body(setup.chunk, 1, &image.manifest)),
        (b'c', b"abc".to_vec()),
        (b'e', end_body(1, 3, image.manifest.crc)),
    ];
    let mut expected = vec![0; 512];
    for ((place, (kind, body)), name) in (0..).zip(bodies).zip(["head", "chunk", "end"]) {
        let bytes = Record { kind, place, generation, body }.bytes();
        assert_eq!(hex(&bytes), hex(&printed(name)), "{name}");
        expected[place as usize * 144..][..bytes.len()].copy_from_slice(&bytes);
    }
    assert_eq!(hex(&medium.bytes(0)), hex(&expected));
    assert_eq!(medium.bytes(1), vec![0; 512]);
}

#[test]
fn what_the_document_prints_is_taken() {
    let setup = Setup::new((2, 512, 1), Behaviour::File, 512, 100);
    let image = Image::new(300, vec![b"abc".to_vec()]);
    let mut medium = setup.medium();
    for (at, name) in [(0, "head"), (144, "chunk"), (288, "end")] {
        assert!(printed(name).len() > HEADER);
        medium.plant(1, at, &printed(name));
    }
    image.assert_newest(&setup.open(&mut medium, 1).unwrap(), &mut medium);
}
