//! From bytes to text, by the encodings that spreadsheets write.

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::{LONGEST_FILE, TableError};

/// The text of a file: UTF-8, UTF-16 of either byte order, or Windows-1252, as its bytes tell.
pub(super) fn decode(bytes: &[u8]) -> Result<String, TableError> {
    if bytes.len() > LONGEST_FILE {
        return Err(TableError::TooLong);
    }
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"\xd0\xcf\x11\xe0") {
        return Err(TableError::Workbook);
    }
    let text = match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => str::from_utf8(rest).map_err(|_| TableError::BrokenText)?.to_owned(),
        [0xff, 0xfe, rest @ ..] => utf16(UTF_16LE, rest)?,
        [0xfe, 0xff, rest @ ..] => utf16(UTF_16BE, rest)?,
        // The names of columns are Latin letters: in UTF-16 every other byte of them is nothing.
        [1..=255, 0, ..] => utf16(UTF_16LE, bytes)?,
        [0, 1..=255, ..] => utf16(UTF_16BE, bytes)?,
        _ => unmarked(bytes)?,
    };
    if text.trim().is_empty() {
        return Err(TableError::Empty);
    }
    Ok(text)
}

fn utf16(encoding: &'static Encoding, bytes: &[u8]) -> Result<String, TableError> {
    let text = encoding.decode_without_bom_handling_and_without_replacement(bytes);
    Ok(text.ok_or(TableError::BrokenText)?.into_owned())
}

fn unmarked(bytes: &[u8]) -> Result<String, TableError> {
    if let Ok(text) = str::from_utf8(bytes) {
        return Ok(text.to_owned());
    }
    // Letters of three bytes do not come about by chance: this was meant to be UTF-8, and names would turn to noise.
    let mut chunks = bytes.utf8_chunks();
    if chunks.any(|chunk| chunk.valid().chars().any(|c| c >= '\u{800}')) {
        return Err(TableError::BrokenText);
    }
    let (text, _) = WINDOWS_1252.decode_without_bom_handling(bytes);
    Ok(text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_encoding_of_spreadsheets_is_read() {
        let le = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
        let be = |text: &str| text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>();
        let text = "name\nआशा Zoë 😀";
        let files = [
            text.as_bytes().to_vec(),
            [b"\xef\xbb\xbf", text.as_bytes()].concat(),
            [b"\xff\xfe".to_vec(), le(text)].concat(),
            [b"\xfe\xff".to_vec(), be(text)].concat(),
            le(text),
            be(text),
        ];
        for file in files {
            assert_eq!(decode(&file).unwrap(), text, "{file:?}");
        }
        assert_eq!(decode(b"name\nZo\xeb \x80").unwrap(), "name\nZoë €");
    }

    #[test]
    fn what_is_no_text_is_refused() {
        let broken = [
            b"\xef\xbb\xbfname\n\xff".as_slice(),
            b"\xff\xfen\0a",
            b"\xff\xfen\0\x00\xd8n\0",
            "name\nआशा".as_bytes().split_last().unwrap().1,
        ];
        for bytes in broken {
            assert_eq!(decode(bytes), Err(TableError::BrokenText), "{bytes:?}");
        }
        assert_eq!(decode(b"PK\x03\x04..."), Err(TableError::Workbook));
        assert_eq!(decode(b"\xd0\xcf\x11\xe0..."), Err(TableError::Workbook));
        assert_eq!(decode(&vec![b'a'; LONGEST_FILE + 1]), Err(TableError::TooLong));
        for empty in [b"".as_slice(), b"\xef\xbb\xbf", b"\xff\xfe", b" \r\n\n"] {
            assert_eq!(decode(empty), Err(TableError::Empty), "{empty:?}");
        }
    }
}
