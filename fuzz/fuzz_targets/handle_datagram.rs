#![no_main]
//! See `raft_nostd_fuzz::handle_datagram`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| raft_nostd_fuzz::handle_datagram(data));
