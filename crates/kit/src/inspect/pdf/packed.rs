//! Objects that are packed into a stream: unpacked only to look at their names.

use flate2::{Decompress, FlushDecompress, Status};

use super::{
    Refused,
    lexer::{Lexer, Token},
    refuse_active,
};

const BUFFER: usize = 8 * 1024;

/// A stream of packed objects.
pub(super) struct Packed {
    inflate: Inflate,
    lexer: Lexer,
}

enum Inflate {
    /// The objects stand there as they are.
    No,
    /// Before the first byte that is not an end of line.
    NotYet,
    Yes(Box<Decompress>),
    Done,
}

/// What came of a piece.
pub(super) enum Unpacked {
    /// So many bytes were looked at.
    Bytes(u64),
    TooMany,
    Unreadable,
}

impl Packed {
    pub(super) fn plain() -> Self {
        Self {
            inflate: Inflate::No,
            lexer: Lexer::default(),
        }
    }

    pub(super) fn deflated() -> Self {
        Self {
            inflate: Inflate::NotYet,
            lexer: Lexer::default(),
        }
    }

    /// Looks at the next piece, unpacking at most so many bytes of it.
    pub(super) fn push(&mut self, bytes: &[u8], most: u64) -> Result<Unpacked, Refused> {
        match &mut self.inflate {
            Inflate::No => {
                self.look(bytes)?;
                Ok(Unpacked::Bytes(0))
            }
            Inflate::NotYet => {
                let Some(first) = bytes.iter().position(|byte| !byte.is_ascii_whitespace()) else {
                    return Ok(Unpacked::Bytes(0));
                };
                self.inflate = Inflate::Yes(Box::new(Decompress::new(true)));
                self.unfold(&bytes[first..], most)
            }
            Inflate::Yes(_) => self.unfold(bytes, most),
            Inflate::Done => Ok(Unpacked::Bytes(0)),
        }
    }

    fn unfold(&mut self, mut bytes: &[u8], most: u64) -> Result<Unpacked, Refused> {
        let mut unfolded = [0; BUFFER];
        let mut total = 0;
        loop {
            let Inflate::Yes(inflate) = &mut self.inflate else {
                return Ok(Unpacked::Bytes(total));
            };
            let (read, written) = (inflate.total_in(), inflate.total_out());
            let Ok(status) = inflate.decompress(bytes, &mut unfolded, FlushDecompress::None) else {
                return Ok(Unpacked::Unreadable);
            };
            // Neither is more than what was given, so both fit.
            let read = usize::try_from(inflate.total_in() - read).unwrap_or(usize::MAX);
            let written = usize::try_from(inflate.total_out() - written).unwrap_or(usize::MAX);
            if status == Status::StreamEnd {
                self.inflate = Inflate::Done;
            }
            self.look(unfolded.get(..written).unwrap_or_default())?;
            bytes = bytes.get(read..).unwrap_or_default();
            total += written as u64;
            if total > most {
                return Ok(Unpacked::TooMany);
            }
            if matches!(self.inflate, Inflate::Done) {
                self.look(b" ")?; // ends the last name
            } else if read == 0 && written == 0 {
                return Ok(Unpacked::Bytes(total));
            }
        }
    }

    fn look(&mut self, bytes: &[u8]) -> Result<(), Refused> {
        for byte in bytes {
            if self.lexer.push(*byte) == Some(Token::Name) {
                refuse_active(self.lexer.ended())?;
            }
        }
        Ok(())
    }
}
