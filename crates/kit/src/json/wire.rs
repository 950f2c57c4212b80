//! The protobuf wire format: a cursor over encoded fields, and their encoding.

use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, encode_varint, skip_field};

/// Bytes that are no message of the expected type.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    #[error("malformed protobuf bytes: {0}")]
    Malformed(#[from] prost::DecodeError),
    #[error("malformed protobuf bytes: they end within a field")]
    CutOff,
    #[error("field `{0}` has another type on the wire")]
    WrongType(String),
    #[error("field `{0}` is not UTF-8")]
    NotUtf8(String),
    #[error("the message has no field `{0}`")]
    NoSuchField(String),
    #[error("the message is nested too deeply")]
    TooDeep,
}

/// A value as it stands on the wire.
#[derive(Clone, Copy, Debug)]
pub(super) enum Raw<'w> {
    Varint(u64),
    Fixed64(u64),
    Fixed32(u32),
    Bytes(&'w [u8]),
}

/// Walks over the fields of an encoded message.
pub(super) struct Cursor<'w> {
    all: &'w [u8],
    rest: &'w [u8],
}

impl<'w> Cursor<'w> {
    pub(super) fn new(wire: &'w [u8]) -> Self {
        Self { all: wire, rest: wire }
    }

    /// How far the cursor is.
    pub(super) fn offset(&self) -> usize {
        self.all.len() - self.rest.len()
    }

    /// The next field's number and value; groups, which proto3 does not have, are passed over.
    pub(super) fn next(&mut self) -> Result<Option<(u32, Raw<'w>)>, WireError> {
        while !self.rest.is_empty() {
            let (number, wire_type) = self.tag()?;
            if wire_type == WireType::StartGroup {
                skip_field(wire_type, number, &mut self.rest, DecodeContext::default())?;
                continue;
            }
            return Ok(Some((number, self.value(wire_type)?)));
        }
        Ok(None)
    }

    #[inline]
    fn tag(&mut self) -> Result<(u32, WireType), WireError> {
        // Field numbers up to 15 take one byte; the wire types of groups and those that do not exist are rare.
        if let [first, rest @ ..] = self.rest
            && (8..0x80).contains(first)
        {
            let wire_type = match first & 7 {
                0 => WireType::Varint,
                1 => WireType::SixtyFourBit,
                2 => WireType::LengthDelimited,
                5 => WireType::ThirtyTwoBit,
                _ => return Ok(decode_key(&mut self.rest)?),
            };
            self.rest = rest;
            return Ok((u32::from(first >> 3), wire_type));
        }
        Ok(decode_key(&mut self.rest)?)
    }

    /// The next value, where the type is known: inside a packed list there are no tags.
    #[inline]
    pub(super) fn value(&mut self, wire_type: WireType) -> Result<Raw<'w>, WireError> {
        Ok(match wire_type {
            WireType::Varint => Raw::Varint(self.varint()?),
            WireType::SixtyFourBit => Raw::Fixed64(u64::from_le_bytes(self.fixed()?)),
            WireType::ThirtyTwoBit => Raw::Fixed32(u32::from_le_bytes(self.fixed()?)),
            WireType::LengthDelimited => {
                let length = usize::try_from(self.varint()?).map_err(|_| WireError::CutOff)?;
                let (bytes, rest) = self.rest.split_at_checked(length).ok_or(WireError::CutOff)?;
                self.rest = rest;
                Raw::Bytes(bytes)
            }
            WireType::StartGroup | WireType::EndGroup => return Err(WireError::CutOff),
        })
    }

    /// Most are lengths and small numbers of one byte.
    #[inline]
    fn varint(&mut self) -> Result<u64, WireError> {
        if let [byte @ ..0x80, rest @ ..] = self.rest {
            self.rest = rest;
            return Ok(u64::from(*byte));
        }
        Ok(decode_varint(&mut self.rest)?)
    }

    fn fixed<const SIZE: usize>(&mut self) -> Result<[u8; SIZE], WireError> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(WireError::CutOff)?;
        self.rest = rest;
        Ok(*bytes)
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }
}

impl Raw<'_> {
    pub(super) fn wire_type(&self) -> WireType {
        match self {
            Self::Varint(_) => WireType::Varint,
            Self::Fixed64(_) => WireType::SixtyFourBit,
            Self::Fixed32(_) => WireType::ThirtyTwoBit,
            Self::Bytes(_) => WireType::LengthDelimited,
        }
    }

    /// Whether proto3 leaves the value out in a field without presence.
    pub(super) fn is_default(&self) -> bool {
        match self {
            Self::Varint(number) | Self::Fixed64(number) => *number == 0,
            Self::Fixed32(number) => *number == 0,
            Self::Bytes(bytes) => bytes.is_empty(),
        }
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Varint(number) => encode_varint(*number, out),
            Self::Fixed64(number) => out.extend_from_slice(&number.to_le_bytes()),
            Self::Fixed32(number) => out.extend_from_slice(&number.to_le_bytes()),
            Self::Bytes(bytes) => {
                encode_varint(bytes.len() as u64, out);
                out.extend_from_slice(bytes);
            }
        }
    }
}

pub(super) fn put_tag(number: u32, wire_type: WireType, out: &mut Vec<u8>) {
    encode_varint(u64::from(number << 3 | wire_type as u32), out);
}

/// Puts the length of what was appended since `start` before it.
///
/// Most nested messages are shorter than 128 bytes, so that the bytes rarely have to move by more than one.
pub(super) fn put_length_before(start: usize, out: &mut Vec<u8>) {
    let mut length = [0_u8; 10];
    let mut rest = length.as_mut_slice();
    encode_varint((out.len() - start) as u64, &mut rest);
    let free = rest.len();
    let used = length.len() - free;
    out.splice(start..start, length[..used].iter().copied());
}
