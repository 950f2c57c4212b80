//! Files that are an archive as well: a ZIP is read from its end, so it can hide behind any other kind.

/// How far from a file's end readers of ZIPs look for its directory: the end record and the longest comment.
const REACH: u64 = 22 + 65_535;

/// The end record of a ZIP without its comment.
const RECORD: usize = 22;

/// Looks for the end record of a ZIP near the end of a stream.
#[derive(Default)]
pub(super) struct ArchiveEnd {
    /// The last bytes, where a record may have begun.
    carry: Vec<u8>,
    passed: u64,
    last: Option<u64>,
}

impl ArchiveEnd {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let (first, rest) = bytes.split_at(bytes.len().min(RECORD - 1));
        let carried = self.carry.len();
        self.carry.extend_from_slice(first);
        // Records that begin in what was carried over, seen whole with the first bytes of this piece.
        let joined = std::mem::take(&mut self.carry);
        self.look(&joined, self.passed - carried as u64);
        if rest.is_empty() {
            self.carry = joined;
            let spare = self.carry.len().saturating_sub(RECORD - 1);
            self.carry.drain(..spare);
        } else {
            self.look(bytes, self.passed);
            self.carry.extend_from_slice(&bytes[bytes.len() - (RECORD - 1)..]);
        }
        self.passed += bytes.len() as u64;
    }

    pub(super) fn is_there(&self) -> bool {
        self.last.is_some_and(|at| self.passed - at <= REACH)
    }

    fn look(&mut self, bytes: &[u8], offset: u64) {
        let mut from = 0;
        while let Some(found) = bytes
            .get(from..)
            .and_then(|rest| rest.iter().position(|byte| *byte == b'P'))
        {
            from += found;
            let at = offset + from as u64;
            let record = bytes.get(from..from + RECORD);
            if record.is_some_and(|record| record.starts_with(b"PK\x05\x06") && leads_somewhere(record, at)) {
                self.last = Some(at);
            }
            from += 1;
        }
    }
}

/// Whether the directory that the record speaks of fits before it. In noise (compressed pictures) it nearly never does.
fn leads_somewhere(record: &[u8], at: u64) -> bool {
    let number = |from: usize| {
        let bytes = record.get(from..from + 4).unwrap_or_default();
        bytes
            .iter()
            .rev()
            .fold(0_u64, |number, byte| number << 8 | u64::from(*byte))
    };
    let elsewhere = u64::from(u32::MAX);
    [number(12), number(16)]
        .iter()
        .all(|place| *place <= at || *place == elsewhere)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_archive(bytes: &[u8], piece: usize) -> bool {
        let mut end = ArchiveEnd::default();
        bytes.chunks(piece).for_each(|piece| end.push(piece));
        end.is_there()
    }

    #[test]
    fn an_end_record_is_found_wherever_the_pieces_are_cut() {
        let record = [b"PK\x05\x06".as_slice(), &[0; 18]].concat();
        for before in [0, 1, 20, 21, 22, 100] {
            for after in [0, 1, 21, 65_535] {
                let bytes = [vec![7; before], record.clone(), vec![7; after]].concat();
                for piece in [1, 2, 20, 21, 22, 23, 44, 1000, bytes.len()] {
                    assert!(
                        is_archive(&bytes, piece),
                        "{before} before, {after} after, pieces of {piece}"
                    );
                }
            }
        }
    }

    #[test]
    fn what_is_out_of_reach_or_leads_nowhere_is_none() {
        let record = [b"PK\x05\x06".as_slice(), &[0; 18]].concat();
        assert!(!is_archive(&[record.clone(), vec![7; 65_536]].concat(), 1000));
        assert!(!is_archive(&[b"PK\x05\x06".as_slice(), &[0x55; 18]].concat(), 1000));
        assert!(!is_archive(&record[..21], 1000));
        assert!(is_archive(&[b"PK\x05\x06".as_slice(), &[0xff; 18]].concat(), 1000));
    }
}
