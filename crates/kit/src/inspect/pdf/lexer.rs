//! The words and names of a PDF, byte by byte.

/// Longer ones are none that we look for.
const LONGEST: usize = 32;

/// What just ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Token {
    /// `/Name`, with its escapes undone.
    Name,
    /// A keyword or a number.
    Word,
}

#[derive(Clone, Copy, Default)]
enum Place {
    #[default]
    Between,
    Name,
    Word,
    Text {
        depth: u32,
        escaped: bool,
    },
    Comment,
    /// After `<`: a dictionary or a text in hexadecimal.
    Less,
    Hexadecimal,
    /// After `>`.
    Greater,
}

/// Cuts bytes into tokens; what stands in texts and comments is none.
#[derive(Default)]
pub(super) struct Lexer {
    place: Place,
    current: Vec<u8>,
    ended: Vec<u8>,
    /// How many dictionaries and arrays are open.
    depth: i32,
    after_dictionary: bool,
    word_after_dictionary: bool,
}

impl Lexer {
    pub(super) fn push(&mut self, byte: u8) -> Option<Token> {
        let token = match self.place {
            Place::Name => Token::Name,
            Place::Word => Token::Word,
            _ => {
                self.step(byte);
                return None;
            }
        };
        if is_regular(byte) {
            self.append(byte);
            return None;
        }
        std::mem::swap(&mut self.current, &mut self.ended);
        self.current.clear();
        if token == Token::Name {
            undo_escapes(&mut self.ended);
        }
        self.begin(byte);
        Some(token)
    }

    /// The bytes of what ended last.
    pub(super) fn ended(&self) -> &[u8] {
        &self.ended
    }

    /// Whether the word that ended last begins a stream: only after a dictionary it does.
    pub(super) fn opens_stream(&self) -> bool {
        self.ended == b"stream" && self.word_after_dictionary
    }

    /// Whether we are within nothing, but perhaps a word.
    pub(super) fn is_outermost(&self) -> bool {
        self.depth == 0 && matches!(self.place, Place::Between | Place::Word)
    }

    /// Forgets what it was in.
    pub(super) fn reset(&mut self) {
        self.place = Place::Between;
        self.current.clear();
        self.depth = 0;
        self.after_dictionary = false;
    }

    fn step(&mut self, byte: u8) {
        self.place = match (self.place, byte) {
            (Place::Text { depth, escaped: true }, _) => Place::Text { depth, escaped: false },
            (Place::Text { depth, .. }, b'\\') => Place::Text { depth, escaped: true },
            (Place::Text { depth, .. }, b'(') => Place::Text {
                depth: depth.saturating_add(1),
                escaped: false,
            },
            (Place::Text { depth: 0, .. }, b')')
            | (Place::Comment, b'\r' | b'\n')
            | (Place::Less | Place::Hexadecimal, b'>') => Place::Between,
            (Place::Text { depth, .. }, b')') => Place::Text {
                depth: depth - 1,
                escaped: false,
            },
            (Place::Less, b'<') => {
                self.depth = self.depth.saturating_add(1);
                Place::Between
            }
            (Place::Less, _) => Place::Hexadecimal,
            (Place::Greater, b'>') => {
                self.depth = self.depth.saturating_sub(1);
                self.after_dictionary = true;
                Place::Between
            }
            (Place::Between | Place::Greater, _) => return self.begin(byte),
            (place, _) => place,
        };
    }

    fn begin(&mut self, byte: u8) {
        self.place = match byte {
            _ if is_white(byte) => Place::Between,
            b'%' => Place::Comment,
            _ => {
                let after_dictionary = std::mem::take(&mut self.after_dictionary);
                match byte {
                    b'/' => Place::Name,
                    b'(' => Place::Text {
                        depth: 0,
                        escaped: false,
                    },
                    b'<' => Place::Less,
                    b'>' => Place::Greater,
                    b'[' => {
                        self.depth = self.depth.saturating_add(1);
                        Place::Between
                    }
                    b']' => {
                        self.depth = self.depth.saturating_sub(1);
                        Place::Between
                    }
                    _ if is_regular(byte) => {
                        self.word_after_dictionary = after_dictionary;
                        self.append(byte);
                        Place::Word
                    }
                    _ => Place::Between,
                }
            }
        };
    }

    fn append(&mut self, byte: u8) {
        // One more than the longest, so that a longer one is not taken for its beginning. Escapes take three bytes each.
        if self.current.len() <= LONGEST * 3 {
            self.current.push(byte);
        }
    }
}

/// The last bytes, to find what may stand anywhere.
#[derive(Default)]
pub(super) struct Window(u128);

impl Window {
    pub(super) fn push(&mut self, byte: u8) {
        self.0 = self.0 << 8 | u128::from(byte);
    }

    /// Whether the last bytes are these; at most 15 of them.
    pub(super) fn ends_with(&self, bytes: &[u8]) -> bool {
        let mask = (1_u128 << (8 * bytes.len())) - 1;
        let wanted = bytes
            .iter()
            .fold(0_u128, |wanted, byte| wanted << 8 | u128::from(*byte));
        self.0 & mask == wanted
    }

    /// Whether the last bytes are the end of `12 0 obj`.
    pub(super) fn begins_object(&self) -> bool {
        if !self.ends_with(b"obj") {
            return false;
        }
        let before = self.0.to_be_bytes();
        let mut before = before[..13].iter().rev().copied().peekable();
        let mut gap = 0;
        while before.next_if(|byte| is_white(*byte)).is_some() {
            gap += 1;
        }
        // A longer gap than we remember may have a number before it too.
        gap == 13 || gap > 0 && before.next().is_some_and(|byte| byte.is_ascii_digit())
    }
}

fn undo_escapes(name: &mut Vec<u8>) {
    if !name.contains(&b'#') {
        return;
    }
    let mut plain = Vec::with_capacity(name.len());
    let mut rest = name.as_slice();
    while let Some((&byte, after)) = rest.split_first() {
        let escaped = after.split_at_checked(2).filter(|_| byte == b'#');
        let decoded = escaped.and_then(|(digits, after)| Some((hexadecimal(digits)?, after)));
        let (byte, after) = decoded.unwrap_or((byte, after));
        plain.push(byte);
        rest = after;
    }
    *name = plain;
}

fn hexadecimal(digits: &[u8]) -> Option<u8> {
    digits
        .iter()
        .try_fold(0, |value, digit| {
            let digit = char::from(*digit).to_digit(16)?;
            u8::try_from(value * 16 + digit).ok().map(u32::from)
        })?
        .try_into()
        .ok()
}

fn is_white(byte: u8) -> bool {
    matches!(byte, 0 | b'\t' | b'\n' | 0x0c | b'\r' | b' ')
}

fn is_regular(byte: u8) -> bool {
    !is_white(byte)
        && !matches!(
            byte,
            b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<String> {
        let mut lexer = Lexer::default();
        let mut tokens = Vec::new();
        for byte in text.bytes() {
            let token = lexer.push(byte);
            let ended = String::from_utf8_lossy(lexer.ended()).into_owned();
            match token {
                Some(Token::Name) => tokens.push(format!("/{ended}")),
                Some(Token::Word) if lexer.opens_stream() => tokens.push("STREAM".to_owned()),
                Some(Token::Word) => tokens.push(ended),
                None => {}
            }
        }
        tokens
    }

    #[test]
    fn names_and_words_are_told_from_texts_and_comments() {
        assert_eq!(
            tokens("<</A/B (/C\\)/D(/E)/F) /G <2f>>>% /H\n12 "),
            ["/A", "/B", "/G", "12"]
        );
    }

    #[test]
    fn escapes_in_names_are_undone() {
        assert_eq!(
            tokens("/J#61vaScript /#4a#53 /A#zz /A#4 "),
            ["/JavaScript", "/JS", "/A#zz", "/A#4"]
        );
        let long = format!("/{}JS ", "#4a".repeat(60));
        assert_ne!(tokens(&long), ["/JS"]);
    }

    #[test]
    fn only_a_dictionary_has_a_stream() {
        assert_eq!(tokens("<</A [1]>>\nstream\n"), ["/A", "1", "STREAM"]);
        assert_eq!(tokens("<</A 1>> % note\nstream\n"), ["/A", "1", "STREAM"]);
        assert_eq!(tokens("<</A 1>> 2 stream\n"), ["/A", "1", "2", "stream"]);
    }

    #[test]
    fn heads_of_objects_are_found() {
        let begins = |text: &str| {
            let mut window = Window::default();
            text.bytes().for_each(|byte| window.push(byte));
            window.begins_object()
        };
        assert!(begins("1 0 obj") && begins("(12 0\r\n obj") && begins("7 0 \0 \0 \0 \0 \0 \0 \0 \0 obj"));
        assert!(!begins("endobj") && !begins("1 0obj") && !begins(" a obj") && !begins("1 0 ob"));
    }
}
