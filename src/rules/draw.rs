//! Draws: numbers that look like chance and are the same for ever, because they are hashes.

use sha2::{Digest, Sha256};

/// A number in 0..1 for a client in a draw, the same for ever: that of SHA-256(the names of the draw,
/// each with a 0 behind it, client).
pub(super) fn draw(names: &[&str], client: &str) -> f64 {
    let mut hash = Sha256::new();
    for name in names {
        hash.update(name.as_bytes());
        hash.update([0]);
    }
    hash.update(client.as_bytes());
    fraction(hash)
}

/// The first eight bytes of a hash as a number in 0..1.
pub(super) fn fraction(hash: Sha256) -> f64 {
    let digest = hash.finalize();
    let mut head = [0_u8; 8];
    head.copy_from_slice(&digest[..8]);
    u64::from_be_bytes(head) as f64 / 2_f64.powi(64)
}
