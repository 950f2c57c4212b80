//! PNG, followed chunk by chunk; only what is needed to show the picture is written again.

use super::{Kind, Refused, dimensions};

pub(super) const SIGNATURE: &[u8; 8] = b"\x89PNG\r\n\x1a\n";

/// The longest colour profile kept; real ones are of a few kilobytes, those of printers of two megabytes.
const LONGEST_PROFILE: usize = 4 * 1024 * 1024;

pub(super) struct Png {
    step: Step,
    header: Option<Header>,
    /// Chunks that are kept but once and were there.
    seen: Vec<[u8; 4]>,
    data: Data,
}

/// Where in the file we are.
enum Step {
    Signature {
        matched: usize,
    },
    /// A chunk's length and name.
    Head {
        read: Vec<u8>,
    },
    Body(Chunk),
    Checksum {
        chunk: Chunk,
        read: Vec<u8>,
    },
    Over,
}

struct Chunk {
    name: [u8; 4],
    missing: usize,
    keep: bool,
    checksum: crc32fast::Hasher,
}

struct Header {
    width: u32,
    height: u32,
    colour: u8,
    bytes: Vec<u8>,
}

/// The picture's data stand in chunks one after the other.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Data {
    Before,
    Within,
    After,
}

impl Png {
    pub(super) fn new() -> Self {
        Self {
            step: Step::Signature { matched: 0 },
            header: None,
            seen: Vec::new(),
            data: Data::Before,
        }
    }

    pub(super) fn push(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Refused> {
        while !bytes.is_empty() {
            let step = std::mem::replace(&mut self.step, Step::Over);
            bytes = match step {
                Step::Signature { matched } => self.signature(matched, bytes, out)?,
                Step::Head { read } => self.head(read, bytes, out)?,
                Step::Body(chunk) => self.body(chunk, bytes, out)?,
                Step::Checksum { chunk, read } => self.checksum(chunk, read, bytes, out)?,
                Step::Over => return Err(Refused::GoesOn(Kind::Png)),
            };
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Result<(u32, u32), Refused> {
        match (self.step, self.header) {
            (Step::Over, Some(header)) => Ok((header.width, header.height)),
            _ => Err(Refused::Truncated(Kind::Png)),
        }
    }

    fn signature<'a>(&mut self, matched: usize, bytes: &'a [u8], out: &mut Vec<u8>) -> Result<&'a [u8], Refused> {
        let wanted = &SIGNATURE[matched..];
        let (read, rest) = bytes.split_at(bytes.len().min(wanted.len()));
        if !wanted.starts_with(read) {
            return Err(Refused::OtherKind);
        }
        out.extend_from_slice(read);
        self.step = match matched + read.len() {
            matched if matched < SIGNATURE.len() => Step::Signature { matched },
            _ => Step::Head {
                read: Vec::with_capacity(8),
            },
        };
        Ok(rest)
    }

    fn head<'a>(&mut self, mut read: Vec<u8>, bytes: &'a [u8], out: &mut Vec<u8>) -> Result<&'a [u8], Refused> {
        let rest = fill(&mut read, 8, bytes);
        let Ok([l0, l1, l2, l3, name @ ..]) = <[u8; 8]>::try_from(read.as_slice()) else {
            self.step = Step::Head { read };
            return Ok(rest);
        };
        let length = u32::from_be_bytes([l0, l1, l2, l3]);
        if length > i32::MAX.cast_unsigned() || !name.iter().all(u8::is_ascii_alphabetic) {
            return Err(damaged("the head of a chunk"));
        }
        let length = usize::try_from(length).map_err(|_| damaged("the head of a chunk"))?;
        let keep = self.keeps(name, length)?;
        if keep {
            out.extend_from_slice(&read);
        }
        let mut checksum = crc32fast::Hasher::new();
        checksum.update(&name);
        self.step = Step::Body(Chunk {
            name,
            missing: length,
            keep,
            checksum,
        })
        .or_checksum();
        Ok(rest)
    }

    fn body<'a>(&mut self, mut chunk: Chunk, bytes: &'a [u8], out: &mut Vec<u8>) -> Result<&'a [u8], Refused> {
        let (body, rest) = bytes.split_at(bytes.len().min(chunk.missing));
        chunk.missing -= body.len();
        chunk.checksum.update(body);
        if chunk.keep {
            out.extend_from_slice(body);
        }
        if &chunk.name == b"IHDR" {
            // Before anything else, so that nobody follows the data of a picture that is too large.
            self.header.get_or_insert_with(Header::empty).push(body)?;
        }
        self.step = Step::Body(chunk).or_checksum();
        Ok(rest)
    }

    fn checksum<'a>(
        &mut self,
        chunk: Chunk,
        mut read: Vec<u8>,
        bytes: &'a [u8],
        out: &mut Vec<u8>,
    ) -> Result<&'a [u8], Refused> {
        let rest = fill(&mut read, 4, bytes);
        let Ok(said) = <[u8; 4]>::try_from(read.as_slice()) else {
            self.step = Step::Checksum { chunk, read };
            return Ok(rest);
        };
        if chunk.checksum.finalize() != u32::from_be_bytes(said) {
            return Err(damaged("the checksum of a chunk is wrong"));
        }
        if chunk.keep {
            out.extend_from_slice(&said);
        }
        self.step = match &chunk.name {
            b"IEND" => Step::Over,
            _ => Step::Head {
                read: Vec::with_capacity(8),
            },
        };
        Ok(rest)
    }

    /// Whether a chunk is kept; refuses those that may not stand here.
    fn keeps(&mut self, name: [u8; 4], length: usize) -> Result<bool, Refused> {
        if (&name == b"IHDR") != self.header.is_none() {
            return Err(damaged("its header does not come first, and once"));
        }
        if self.data == Data::Within && &name != b"IDAT" {
            self.data = Data::After;
        }
        match &name {
            b"IHDR" if length == 13 => Ok(true),
            b"PLTE" if self.data == Data::Before && length > 0 && length <= 768 && length.is_multiple_of(3) => {
                if self.is_second(name) {
                    return Err(damaged("it has two palettes"));
                }
                Ok(true)
            }
            b"IDAT" if self.data == Data::After => Err(damaged("its data are torn apart")),
            b"IDAT" => self.start_data(),
            b"IEND" if length == 0 && self.data == Data::After => Ok(true),
            _ if name[0].is_ascii_uppercase() => Err(damaged("it holds what no common program shows")),
            // After the data come only notes.
            _ => Ok(self.data == Data::Before && changes_looks(name, length) && !self.is_second(name)),
        }
    }

    fn start_data(&mut self) -> Result<bool, Refused> {
        const PALETTE: u8 = 3;
        let has_palette = self.seen.contains(b"PLTE");
        if self.header.as_ref().is_some_and(|header| header.colour == PALETTE) && !has_palette {
            return Err(damaged("its palette is missing"));
        }
        self.data = Data::Within;
        Ok(true)
    }

    fn is_second(&mut self, name: [u8; 4]) -> bool {
        let second = self.seen.contains(&name);
        if !second {
            self.seen.push(name);
        }
        second
    }
}

impl Step {
    /// The step after a chunk's body, once that is whole.
    fn or_checksum(self) -> Self {
        match self {
            Self::Body(chunk) if chunk.missing == 0 => Self::Checksum {
                chunk,
                read: Vec::with_capacity(4),
            },
            step => step,
        }
    }
}

impl Header {
    fn empty() -> Self {
        Self {
            width: 0,
            height: 0,
            colour: 0,
            bytes: Vec::with_capacity(13),
        }
    }

    fn push(&mut self, bytes: &[u8]) -> Result<(), Refused> {
        self.bytes.extend_from_slice(bytes);
        let &[
            w3,
            w2,
            w1,
            w0,
            h3,
            h2,
            h1,
            h0,
            depth,
            colour,
            packing,
            filter,
            interlace,
        ] = self.bytes.as_slice()
        else {
            return Ok(());
        };
        let depths: &[u8] = match colour {
            0 => &[1, 2, 4, 8, 16],
            3 => &[1, 2, 4, 8],
            2 | 4 | 6 => &[8, 16],
            _ => &[],
        };
        if !depths.contains(&depth) || packing != 0 || filter != 0 || interlace > 1 {
            return Err(damaged("the header of its picture"));
        }
        (self.width, self.height) = dimensions(
            Kind::Png,
            u32::from_be_bytes([w3, w2, w1, w0]),
            u32::from_be_bytes([h3, h2, h1, h0]),
        )?;
        self.colour = colour;
        Ok(())
    }
}

/// Whether a chunk says how the picture looks, in no more bytes than that takes.
fn changes_looks(name: [u8; 4], length: usize) -> bool {
    match &name {
        b"tRNS" => (1..=256).contains(&length),
        b"gAMA" => length == 4,
        b"cHRM" => length == 32,
        b"sRGB" => length == 1,
        b"iCCP" => length <= LONGEST_PROFILE,
        b"sBIT" => (1..=4).contains(&length),
        b"pHYs" => length == 9,
        b"bKGD" => matches!(length, 1 | 2 | 6),
        b"hIST" => (2..=512).contains(&length),
        _ => false,
    }
}

/// Fills `read` up to a length and returns what comes after.
fn fill<'a>(read: &mut Vec<u8>, length: usize, bytes: &'a [u8]) -> &'a [u8] {
    let (taken, rest) = bytes.split_at(bytes.len().min(length - read.len()));
    read.extend_from_slice(taken);
    rest
}

fn damaged(what: &'static str) -> Refused {
    Refused::Damaged { kind: Kind::Png, what }
}
