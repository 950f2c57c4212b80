//! The one thing worth keeping of what cameras write into pictures: which way up they are.

/// What the segment begins with.
pub(super) const PREFIX: &[u8] = b"Exif\0\0";

const ORIENTATION: u16 = 0x0112;
const SHORT: u16 = 3;

/// The way up (2 to 8) that a segment's body says; `None` where it is upright or says nothing that can be read.
pub(super) fn orientation(body: &[u8]) -> Option<u8> {
    let tiff = Tiff::open(body.strip_prefix(PREFIX)?)?;
    let directory = usize::try_from(tiff.long(4)?).ok()?;
    let count = tiff.short(directory)?;
    for index in 0..usize::from(count) {
        let entry = directory.checked_add(2 + index * 12)?;
        if tiff.short(entry)? != ORIENTATION {
            continue;
        }
        let shaped = tiff.short(entry + 2)? == SHORT && tiff.long(entry + 4)? == 1;
        let value = u8::try_from(tiff.short(entry + 8)?).ok()?;
        return (shaped && (2..=8).contains(&value)).then_some(value);
    }
    None
}

/// The body of a segment that says the way up, and nothing else.
pub(super) fn body(orientation: u8) -> Vec<u8> {
    let mut body = PREFIX.to_vec();
    body.extend_from_slice(b"MM\0*\0\0\0\x08"); // big-endian, the directory comes next
    body.extend_from_slice(&[0, 1]); // of one entry
    body.extend_from_slice(&[0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0]);
    body.extend_from_slice(&[0, 0, 0, 0]); // and no other directory
    body
}

struct Tiff<'a> {
    bytes: &'a [u8],
    little_endian: bool,
}

impl<'a> Tiff<'a> {
    fn open(bytes: &'a [u8]) -> Option<Self> {
        let little_endian = match bytes.get(..4)? {
            b"II*\0" => true,
            b"MM\0*" => false,
            _ => return None,
        };
        Some(Self { bytes, little_endian })
    }

    fn short(&self, at: usize) -> Option<u16> {
        let bytes = self.bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if self.little_endian {
            u16::from_le_bytes(bytes)
        } else {
            u16::from_be_bytes(bytes)
        })
    }

    fn long(&self, at: usize) -> Option<u32> {
        let bytes = self.bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if self.little_endian {
            u32::from_le_bytes(bytes)
        } else {
            u32::from_be_bytes(bytes)
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn both_byte_orders_are_read() {
        let little =
            b"Exif\0\0II*\0\x08\0\0\0\x02\0\x0f\x01\x02\0\x04\0\0\0abc\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
        assert_eq!(orientation(little), Some(6));
        assert_eq!(orientation(&body(8)), Some(8));
    }

    #[test]
    fn upright_is_not_said() {
        for value in [0, 1, 9, 255] {
            assert_eq!(orientation(&body(value)), None);
        }
    }

    proptest! {
        #[test]
        fn nothing_that_a_camera_writes_is_too_odd(tiff in prop::collection::vec(any::<u8>(), 0..200)) {
            for order in [b"II*\0".as_slice(), b"MM\0*"] {
                let found = orientation(&[PREFIX, order, &tiff].concat());
                prop_assert!(found.is_none_or(|value| (2..=8).contains(&value)));
            }
        }
    }
}
