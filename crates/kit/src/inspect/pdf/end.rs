//! The mark that ends a PDF, and what may come after it.

const MARK: &[u8] = b"%%EOF";

/// Programs and mail servers pad files a little.
const MOST_PADDING: u64 = 1024;

/// Where the last mark was.
#[derive(Default)]
pub(super) struct EndMark {
    matched: usize,
    found: bool,
    padding: u64,
    goes_on: bool,
}

impl EndMark {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.step(*byte);
        }
    }

    pub(super) fn was_there(&self) -> bool {
        self.found
    }

    /// Whether nothing but a little padding came after it.
    pub(super) fn is_last(&self) -> bool {
        self.found && !self.goes_on && self.padding <= MOST_PADDING
    }

    fn step(&mut self, byte: u8) {
        self.padding += 1;
        self.goes_on |= !matches!(byte, 0 | b'\t' | b'\n' | 0x0c | b'\r' | b' ');
        self.matched = match (self.matched, byte) {
            // A third per cent sign leaves the last two standing.
            (2, b'%') => 2,
            (matched, byte) if MARK.get(matched) == Some(&byte) => matched + 1,
            (_, b'%') => 1,
            _ => 0,
        };
        if self.matched == MARK.len() {
            *self = Self {
                found: true,
                ..Self::default()
            };
        }
    }
}
