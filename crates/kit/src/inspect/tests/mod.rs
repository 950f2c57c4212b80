//! The inspector held against files made here: sound ones, hostile ones, mutated ones.

mod hostile;
mod properties;
mod samples;
mod sound;

use super::{Inspected, Inspector, Refused};

/// What becomes of a file that comes in pieces of this length.
fn inspect_in(bytes: &[u8], piece: usize) -> Result<(Inspected, Vec<u8>), Refused> {
    let mut inspector = Inspector::new();
    let mut kept = Vec::new();
    for piece in bytes.chunks(piece.max(1)) {
        inspector.push(piece, &mut kept)?;
    }
    Ok((inspector.finish()?, kept))
}

fn inspect(bytes: &[u8]) -> Result<(Inspected, Vec<u8>), Refused> {
    inspect_in(bytes, bytes.len())
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
