//! JPEG, followed marker by marker; only what is needed to show the picture is written again.

mod segment;
mod trailer;

use self::{segment::Frame, trailer::Trailer};
use super::{Kind, Refused, dimensions, exif};

const MARK: u8 = 0xff;
const START: u8 = 0xd8;
const END: u8 = 0xd9;
const SCAN: u8 = 0xda;
const PROGRESSIVE: u8 = 0xc2;
const LINES: u8 = 0xdc;

/// Pictures have one scan, progressive ones about ten; each costs a decoder a pass over all of the picture.
const MOST_SCANS: u32 = 50;

pub(super) struct Jpeg {
    step: Step,
    started: bool,
    body: Vec<u8>,
    frame: Option<Frame>,
    scans: u32,
    kept: Kept,
    /// Whether the file says that more pictures follow this one.
    more_pictures: bool,
    trailer: Trailer,
}

/// Where in the file we are.
enum Step {
    /// Before a marker's first byte.
    Mark,
    /// After it, before the byte that says which.
    Code,
    Length {
        code: u8,
        high: Option<u8>,
    },
    Body {
        code: u8,
        missing: usize,
    },
    /// In a scan's data.
    Scan,
    /// In a scan's data, after a byte that may begin a marker.
    ScanMark,
    Over,
}

/// Which of the segments that are kept but once there were.
#[derive(Default)]
struct Kept {
    jfif: bool,
    adobe: bool,
    orientation: bool,
    /// The piece of the colour profile that comes next, and how many there are.
    profile: Option<(u8, u8)>,
}

/// Whether a JPEG comes in several scans: whoever decodes it holds all of it twice over. Looks at the headers alone.
pub fn is_progressive(bytes: &[u8]) -> bool {
    let mut rest = bytes.get(2..).unwrap_or_default();
    while let [MARK, code, high, low, ..] = *rest {
        match code {
            PROGRESSIVE => return true,
            SCAN => return false,
            // What fills a gap before a marker.
            MARK => rest = &rest[1..],
            _ => {
                let length = usize::from(u16::from_be_bytes([high, low]));
                rest = rest.get(2 + length..).unwrap_or_default();
            }
        }
    }
    false
}

impl Jpeg {
    pub(super) fn new() -> Self {
        Self {
            step: Step::Mark,
            started: false,
            body: Vec::new(),
            frame: None,
            scans: 0,
            kept: Kept::default(),
            more_pictures: false,
            trailer: Trailer::default(),
        }
    }

    pub(super) fn push(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Refused> {
        while let Some((&byte, rest)) = bytes.split_first() {
            bytes = match self.step {
                Step::Mark if byte == MARK => {
                    self.step = Step::Code;
                    rest
                }
                Step::Mark => return Err(damaged("a marker is missing")),
                Step::Code | Step::ScanMark => {
                    self.step = self.after_code(byte, out)?;
                    rest
                }
                Step::Length { code, high } => {
                    self.step = self.after_length(code, high, byte, out)?;
                    rest
                }
                Step::Body { code, missing } => self.collect(code, missing, bytes, out)?,
                Step::Scan => self.scan(bytes, out),
                Step::Over => {
                    self.trailer.push(bytes);
                    &[]
                }
            };
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Result<(u32, u32), Refused> {
        if !matches!(self.step, Step::Over) {
            return Err(Refused::Truncated(Kind::Jpeg));
        }
        if !self.trailer.is_harmless(self.more_pictures) {
            return Err(Refused::GoesOn(Kind::Jpeg));
        }
        let frame = self.frame.ok_or(damaged("it holds no picture"))?;
        dimensions(Kind::Jpeg, frame.width, frame.height)
    }

    /// What a marker begins: another may stand before it to fill a gap, and scans hold some of their own.
    fn after_code(&mut self, code: u8, out: &mut Vec<u8>) -> Result<Step, Refused> {
        let in_scan = matches!(self.step, Step::ScanMark);
        match code {
            MARK => Ok(if in_scan { Step::ScanMark } else { Step::Code }),
            0x00 | 0xd0..=0xd7 if in_scan => {
                out.extend_from_slice(&[MARK, code]);
                Ok(Step::Scan)
            }
            START if !self.started => {
                self.started = true;
                out.extend_from_slice(&[MARK, START]);
                Ok(Step::Mark)
            }
            END if self.scans > 0 => {
                out.extend_from_slice(&[MARK, END]);
                Ok(Step::Over)
            }
            END => Err(damaged("it holds no picture")),
            0x00 | 0x01 | 0xd0..=0xd8 => Err(damaged("a marker stands where none may")),
            _ => Ok(Step::Length { code, high: None }),
        }
    }

    fn after_length(&mut self, code: u8, high: Option<u8>, low: u8, out: &mut Vec<u8>) -> Result<Step, Refused> {
        let Some(high) = high else {
            return Ok(Step::Length { code, high: Some(low) });
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        let missing = length
            .checked_sub(2)
            .ok_or(damaged("a segment is shorter than its own length"))?;
        self.body.clear();
        if missing == 0 {
            return self.segment(code, out);
        }
        Ok(Step::Body { code, missing })
    }

    /// Takes what there is of a segment's body and returns what comes after.
    fn collect<'a>(
        &mut self,
        code: u8,
        missing: usize,
        bytes: &'a [u8],
        out: &mut Vec<u8>,
    ) -> Result<&'a [u8], Refused> {
        let (body, rest) = bytes.split_at(bytes.len().min(missing));
        self.body.extend_from_slice(body);
        self.step = match missing - body.len() {
            0 => self.segment(code, out)?,
            missing => Step::Body { code, missing },
        };
        Ok(rest)
    }

    /// Takes a scan's data up to what may be a marker.
    fn scan<'a>(&mut self, bytes: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
        let Some(at) = bytes.iter().position(|byte| *byte == MARK) else {
            out.extend_from_slice(bytes);
            return &[];
        };
        out.extend_from_slice(&bytes[..at]);
        self.step = Step::ScanMark;
        &bytes[at + 1..]
    }

    /// Keeps, rewrites or drops a whole segment.
    fn segment(&mut self, code: u8, out: &mut Vec<u8>) -> Result<Step, Refused> {
        match code {
            0xc0..=0xc2 => self.start_frame(code)?,
            SCAN => self.start_scan()?,
            LINES => self.say_lines()?,
            0xc4 => segment::check_huffman_tables(&self.body)?,
            0xdb => segment::check_quantisation_tables(&self.body)?,
            0xdd if self.body.len() == 2 => {}
            0xe0..=0xef | 0xfe => {
                self.application(code, out);
                return Ok(Step::Mark);
            }
            // Lossless, hierarchical and arithmetic pictures among them: no browser shows them.
            _ => return Err(damaged("it holds what no common program shows")),
        }
        write(code, &self.body, out);
        Ok(if code == SCAN { Step::Scan } else { Step::Mark })
    }

    fn start_frame(&mut self, code: u8) -> Result<(), Refused> {
        if self.frame.is_some() {
            return Err(damaged("it holds a second picture"));
        }
        let frame = Frame::read(code, &self.body)?;
        // A height of none comes after the first scan.
        dimensions(Kind::Jpeg, frame.width, frame.height.max(1))?;
        self.frame = Some(frame);
        Ok(())
    }

    fn start_scan(&mut self) -> Result<(), Refused> {
        let frame = self.frame.as_ref().ok_or(damaged("its data come before its size"))?;
        if self.scans > 0 && frame.height == 0 {
            return Err(damaged("the picture has no size"));
        }
        if self.scans == MOST_SCANS {
            return Err(damaged("it has too many scans"));
        }
        segment::check_scan(&self.body)?;
        self.scans += 1;
        Ok(())
    }

    /// The height, where it was not known at the start.
    fn say_lines(&mut self) -> Result<(), Refused> {
        let wrong = damaged("its height is said twice");
        let ([high, low], Some(frame), 1) = (self.body.as_slice(), &mut self.frame, self.scans) else {
            return Err(wrong);
        };
        let height = u32::from(u16::from_be_bytes([*high, *low]));
        if frame.height != 0 && frame.height != height {
            return Err(wrong);
        }
        dimensions(Kind::Jpeg, frame.width, height)?;
        frame.height = height;
        Ok(())
    }

    /// What programs wrote for themselves: only what changes how the picture looks is kept, and not more of it than that.
    fn application(&mut self, code: u8, out: &mut Vec<u8>) {
        if self.scans > 0 {
            return;
        }
        match code {
            0xe0 if !self.kept.jfif => {
                if let Some(header) = segment::jfif(&self.body) {
                    self.kept.jfif = true;
                    write(code, &header, out);
                }
            }
            0xe1 if !self.kept.orientation => {
                if let Some(orientation) = exif::orientation(&self.body) {
                    self.kept.orientation = true;
                    write(code, &exif::body(orientation), out);
                }
            }
            0xe2 => {
                if self.is_next_of_profile() {
                    write(code, &self.body, out);
                }
                self.more_pictures |= self.body.starts_with(b"MPF\0");
            }
            0xee if !self.kept.adobe => {
                if let Some(transform) = segment::adobe(&self.body) {
                    self.kept.adobe = true;
                    write(code, transform, out);
                }
            }
            _ => {}
        }
    }

    /// Whether the segment is the colour profile's next piece.
    fn is_next_of_profile(&mut self) -> bool {
        let Some((number, count)) = segment::profile_piece(&self.body) else {
            return false;
        };
        let wanted = self.kept.profile.unwrap_or((1, count));
        if (number, count) != wanted || number > count {
            return false;
        }
        self.kept.profile = Some((number.saturating_add(1), count));
        true
    }
}

fn write(code: u8, body: &[u8], out: &mut Vec<u8>) {
    // Bodies are read from a length of 16 bits, or shorter than what was read.
    let length = u16::try_from(body.len() + 2).unwrap_or(u16::MAX);
    out.extend_from_slice(&[MARK, code]);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(body);
}

fn damaged(what: &'static str) -> Refused {
    Refused::Damaged { kind: Kind::Jpeg, what }
}
