//! Writes the seed corpora: `cargo run --example seeds`.

fn main() -> std::io::Result<()> {
    for seed in raft_nostd_fuzz::seeds() {
        let folder = format!("{}/corpus/{}", env!("CARGO_MANIFEST_DIR"), seed.target);
        std::fs::create_dir_all(&folder)?;
        std::fs::write(format!("{folder}/{}", seed.name), &seed.bytes)?;
    }
    Ok(())
}
