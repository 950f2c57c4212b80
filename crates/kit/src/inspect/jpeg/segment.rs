//! The segments of a JPEG: what each must look like, and what of it is kept.

use super::damaged;
use crate::inspect::Refused;

/// What a picture's header says of it.
pub(super) struct Frame {
    pub(super) width: u32,
    /// None (0) until the first scan is over, where the camera did not know it at the start.
    pub(super) height: u32,
}

impl Frame {
    pub(super) fn read(code: u8, body: &[u8]) -> Result<Self, Refused> {
        let wrong = damaged("the header of its picture");
        let &[precision, h1, h0, w1, w0, components, ref rest @ ..] = body else {
            return Err(wrong);
        };
        let deep = code == 0xc1 && precision == 12;
        if !(precision == 8 || deep) || !(1..=4).contains(&components) || rest.len() != usize::from(components) * 3 {
            return Err(wrong);
        }
        let side = |high, low| u32::from(u16::from_be_bytes([high, low]));
        let (width, height) = (side(w1, w0), side(h1, h0));
        if width == 0 {
            return Err(damaged("the picture has no size"));
        }
        Ok(Self { width, height })
    }
}

pub(super) fn check_scan(body: &[u8]) -> Result<(), Refused> {
    match body.first() {
        Some(components @ 1..=4) if body.len() == 4 + 2 * usize::from(*components) => Ok(()),
        _ => Err(damaged("the header of a scan")),
    }
}

pub(super) fn check_quantisation_tables(mut body: &[u8]) -> Result<(), Refused> {
    let wrong = damaged("a table of its steps");
    while let Some((head, rest)) = body.split_first() {
        let length = match head >> 4 {
            0 => 64,
            1 => 128,
            _ => return Err(wrong),
        };
        if head & 0x0f > 3 {
            return Err(wrong);
        }
        body = rest.get(length..).ok_or(wrong.clone())?;
    }
    Ok(())
}

pub(super) fn check_huffman_tables(mut body: &[u8]) -> Result<(), Refused> {
    let wrong = damaged("a table of its codes");
    while let Some((head, rest)) = body.split_first() {
        let (counts, rest) = rest.split_at_checked(16).ok_or(wrong.clone())?;
        let codes: usize = counts.iter().map(|count| usize::from(*count)).sum();
        if head >> 4 > 1 || head & 0x0f > 3 || codes > 256 {
            return Err(wrong);
        }
        body = rest.get(codes..).ok_or(wrong.clone())?;
    }
    Ok(())
}

/// The JFIF header without its preview, which may show what was cut off later.
pub(super) fn jfif(body: &[u8]) -> Option<[u8; 14]> {
    let header = body.get(..14)?;
    if !header.starts_with(b"JFIF\0") {
        return None;
    }
    let mut without_preview: [u8; 14] = header.try_into().ok()?;
    without_preview[12..].fill(0);
    Some(without_preview)
}

/// Adobe's word on how the colours are stored.
pub(super) fn adobe(body: &[u8]) -> Option<&[u8]> {
    body.get(..12).filter(|transform| transform.starts_with(b"Adobe"))
}

/// Which piece of a colour profile this is, of how many; the first must begin like a profile.
pub(super) fn profile_piece(body: &[u8]) -> Option<(u8, u8)> {
    let &[number, count, ref profile @ ..] = body.strip_prefix(b"ICC_PROFILE\0")? else {
        return None;
    };
    let begins_well = number != 1 || profile.get(36..40) == Some(b"acsp");
    begins_well.then_some((number, count))
}
