//! PDF, kept as it is: it must end where it says, and hold nothing that acts by itself.
//!
//! Viewers jump to objects by their place in the file, wherever that is, so whatever looks like the head of an object is
//! read as one, even in the middle of a text or of a stream's data. Data of streams are passed over, lest their noise be
//! taken for names, unless there is reason to doubt that they are data. Objects are also read where they are packed (object
//! streams), which most programs write today.

mod end;
mod lexer;
mod packed;

use self::{
    end::EndMark,
    lexer::{Lexer, Token, Window},
    packed::{Packed, Unpacked},
};
use super::{Kind, Refused};

/// Names of what runs, fetches, sends or carries along other files.
const ACTIVE: [&str; 10] = [
    "JavaScript",
    "JS",
    "Launch",
    "EmbeddedFile",
    "EmbeddedFiles",
    "RichMedia",
    "XFA",
    "SubmitForm",
    "ImportData",
    "GoToE",
];

/// What browsers that guess look at, and what they would take for a page.
const HEAD: usize = 1024;
const PAGE: [&[u8]; 6] = [b"<html", b"<script", b"<svg", b"<!doctype", b"<iframe", b"<body"];

/// How much packed objects may unfold to in one file: those of a book of a thousand pages.
const MOST_UNPACKED: u64 = 32 * 1024 * 1024;

pub(super) struct Pdf {
    head: Vec<u8>,
    lexer: Lexer,
    window: Window,
    object: Object,
    stream: Option<Stream>,
    parts: Parts,
    encrypted: bool,
    /// Whether there are packed objects that could not be read: only encryption is a reason for that.
    opaque: bool,
    unpacked: u64,
    end: EndMark,
}

/// What every document has.
#[derive(Default)]
struct Parts {
    objects: bool,
    index: bool,
}

/// What the names in an object tell of a stream that may follow.
#[derive(Default)]
struct Object {
    /// Whether its head stood in the midst of something else.
    misplaced: bool,
    packs_objects: bool,
    filters: Filters,
}

/// How the data of a stream are packed.
#[derive(Default)]
struct Filters {
    said: bool,
    deflate: u32,
    others: u32,
}

/// The data of a stream.
#[derive(Default)]
struct Stream {
    packed: Option<Packed>,
    /// Reads the data as if they were none, where that is in doubt.
    doubt: Option<Packed>,
}

impl Pdf {
    pub(super) fn new() -> Self {
        Self {
            head: Vec::with_capacity(HEAD),
            lexer: Lexer::default(),
            window: Window::default(),
            object: Object::default(),
            stream: None,
            parts: Parts::default(),
            encrypted: false,
            opaque: false,
            unpacked: 0,
            end: EndMark::default(),
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Refused> {
        self.head.extend(bytes.iter().take(HEAD - self.head.len()));
        self.end.push(bytes);
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = match self.stream.take() {
                Some(stream) => self.within(stream, rest)?,
                None => self.between(rest)?,
            };
        }
        out.extend_from_slice(bytes);
        Ok(())
    }

    pub(super) fn finish(self) -> Result<(), Refused> {
        let head = self.head.to_ascii_lowercase();
        if PAGE
            .iter()
            .any(|page| head.windows(page.len()).any(|window| window == *page))
        {
            return Err(Refused::OtherKind);
        }
        if !self.end.was_there() {
            return Err(Refused::Truncated(Kind::Pdf));
        }
        if !self.end.is_last() {
            return Err(Refused::GoesOn(Kind::Pdf));
        }
        if !self.parts.objects || !self.parts.index {
            return Err(damaged("it holds no pages"));
        }
        if self.opaque && !self.encrypted {
            return Err(damaged("its objects cannot be unpacked"));
        }
        Ok(())
    }

    /// Reads up to where a stream's data begin, and returns those.
    fn between<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8], Refused> {
        for (index, byte) in bytes.iter().enumerate() {
            let outermost = self.lexer.is_outermost();
            if self.begins_object(*byte) {
                self.object.misplaced = !outermost;
                continue;
            }
            match self.lexer.push(*byte) {
                Some(Token::Name) => self.name()?,
                Some(Token::Word) if self.lexer.opens_stream() => {
                    self.stream = Some(self.open_stream());
                    return Ok(&bytes[index + 1..]);
                }
                Some(Token::Word) => self.parts.index |= self.lexer.ended() == b"startxref",
                None => {}
            }
        }
        Ok(&[])
    }

    /// Reads up to where a stream's data end, and returns what comes after.
    fn within<'a>(&mut self, mut stream: Stream, bytes: &'a [u8]) -> Result<&'a [u8], Refused> {
        for (index, byte) in bytes.iter().enumerate() {
            let begins_object = self.begins_object(*byte);
            if begins_object || self.window.ends_with(b"endstream") {
                let (data, rest) = bytes.split_at(index + 1);
                self.unpack(&mut stream, data)?;
                self.unpack(&mut stream, b" ")?; // the last name of plain objects may still be open
                self.object = Object {
                    misplaced: begins_object,
                    ..Object::default()
                };
                self.lexer.reset();
                return Ok(rest);
            }
        }
        self.unpack(&mut stream, bytes)?;
        self.stream = Some(stream);
        Ok(&[])
    }

    /// Whether this byte completes the head of an object or of the trailer, which ends whatever we were in.
    fn begins_object(&mut self, byte: u8) -> bool {
        self.window.push(byte);
        let begins = self.window.begins_object();
        if begins || self.window.ends_with(b"trailer") {
            self.parts.objects |= begins;
            self.lexer.reset();
            self.object = Object::default();
            return true;
        }
        false
    }

    fn name(&mut self) -> Result<(), Refused> {
        let name = self.lexer.ended();
        refuse_active(name)?;
        match name {
            b"Encrypt" => self.encrypted = true,
            // Streams of packed objects say where the first one stands; the type alone may be said elsewhere.
            b"ObjStm" | b"First" => self.object.packs_objects = true,
            b"FlateDecode" | b"Fl" => self.object.filters.deflate += 1,
            b"Filter" => self.object.filters.said = true,
            b"DecodeParms" | b"DP" | b"Crypt" | b"ASCIIHexDecode" | b"AHx" | b"ASCII85Decode" | b"A85"
            | b"LZWDecode" | b"LZW" | b"RunLengthDecode" | b"RL" => self.object.filters.others += 1,
            _ => {}
        }
        Ok(())
    }

    fn open_stream(&mut self) -> Stream {
        let object = std::mem::take(&mut self.object);
        let in_doubt = object.misplaced || !self.lexer.is_outermost();
        let packed = match object.filters {
            _ if !object.packs_objects => None,
            Filters { said: false, .. } => Some(Packed::plain()),
            Filters {
                deflate: 1, others: 0, ..
            } => Some(Packed::deflated()),
            Filters { .. } => {
                self.opaque = true;
                None
            }
        };
        Stream {
            packed,
            doubt: in_doubt.then(Packed::plain),
        }
    }

    fn unpack(&mut self, stream: &mut Stream, bytes: &[u8]) -> Result<(), Refused> {
        if let Some(doubt) = &mut stream.doubt {
            doubt.push(bytes, 0)?;
        }
        let Some(packed) = &mut stream.packed else {
            return Ok(());
        };
        let left = MOST_UNPACKED - self.unpacked;
        match packed.push(bytes, left)? {
            Unpacked::Bytes(length) => self.unpacked += length,
            Unpacked::TooMany => return Err(damaged("its objects unfold without end")),
            Unpacked::Unreadable => {
                self.opaque = true;
                stream.packed = None;
            }
        }
        Ok(())
    }
}

fn refuse_active(name: &[u8]) -> Result<(), Refused> {
    match ACTIVE.iter().find(|active| active.as_bytes() == name) {
        Some(active) => Err(Refused::Active(active)),
        None => Ok(()),
    }
}

fn damaged(what: &'static str) -> Refused {
    Refused::Damaged { kind: Kind::Pdf, what }
}
