//! What comes after a JPEG's end. Nothing of it is ever kept; what no camera puts there shows that the file is meant to be
//! taken for something else, and is refused.

/// Phones write a second picture (a preview, a map of brightness), a short film, or a list of their own.
#[derive(Default)]
pub(super) struct Trailer {
    /// The first bytes after the padding.
    head: Vec<u8>,
    tail: Vec<u8>,
}

const HEAD: usize = 8;
const TAIL: usize = 4;

impl Trailer {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let padding = if self.head.is_empty() { leading_zeros(bytes) } else { 0 };
        self.head.extend(bytes[padding..].iter().take(HEAD - self.head.len()));
        self.tail.extend_from_slice(&bytes[bytes.len().saturating_sub(TAIL)..]);
        let spare = self.tail.len().saturating_sub(TAIL);
        self.tail.drain(..spare);
    }

    /// Whether this is what cameras leave there: padding, pictures that the file spoke of, a film, Samsung's list.
    pub(super) fn is_harmless(&self, more_pictures: bool) -> bool {
        let picture = more_pictures && self.head.starts_with(b"\xff\xd8\xff");
        // Its length stands before that, and may begin with zeros.
        let film = self.head.windows(4).any(|window| window == b"ftyp");
        self.head.is_empty() || picture || film || self.tail == b"SEFT"
    }
}

fn leading_zeros(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| **byte == 0).count()
}
