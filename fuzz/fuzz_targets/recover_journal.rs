#![no_main]
//! See `raft_nostd_fuzz::recover_journal`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| raft_nostd_fuzz::recover_journal(data));
