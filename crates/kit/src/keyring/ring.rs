//! Master keys as text: `kid:base64`, the current one first.

use std::fmt::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use secrecy::{SecretString, zeroize::Zeroizing};

/// How long a key is.
pub(super) const KEY_BYTES: usize = 32;
/// An id is written into everything that its key seals.
pub(super) const LONGEST_ID: usize = 32;
const EXPECTED: &str = "must be `kid:base64`, several separated by commas, the current one first, each of 32 bytes \
                        (`openssl rand -base64 32`)";

/// A key from which others are derived.
#[derive(Clone)]
pub(super) struct MasterKey {
    pub(super) id: String,
    secret: Zeroizing<[u8; KEY_BYTES]>,
}

/// All master keys, the current one first; never empty.
pub(super) struct Ring {
    keys: Vec<MasterKey>,
}

impl MasterKey {
    pub(super) fn expose(&self) -> &[u8; KEY_BYTES] {
        &self.secret
    }

    /// One entry. What is wrong with it is said without showing it.
    fn parse(entry: &str) -> Result<Self, String> {
        let Some((id, secret)) = entry.split_once(':') else {
            return Err("has no colon".to_owned());
        };
        if !is_id(id) {
            return Err(format!(
                "has an id that is not 1 to {LONGEST_ID} letters, digits, `-` or `_`"
            ));
        }
        let bytes = STANDARD.decode(secret).map_err(|_| "is not base64".to_owned())?;
        let bytes = Zeroizing::new(bytes);
        let Ok(secret) = bytes.as_slice().try_into() else {
            return Err(format!("has {} bytes", bytes.len()));
        };
        Ok(Self {
            id: id.to_owned(),
            secret: Zeroizing::new(secret),
        })
    }
}

/// Whether this may be the id of a key.
pub(super) fn is_id(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=LONGEST_ID).contains(&text.len()) && text.bytes().all(plain)
}

impl Ring {
    /// A ring of one new key.
    pub(super) fn of_a_new_key() -> Self {
        let none = Self { keys: Vec::new() };
        let key = none.new_key();
        none.with_first(key)
    }

    /// Entries separated by commas or ends of lines.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let entries = text.split([',', '\n']).map(str::trim).filter(|entry| !entry.is_empty());
        let mut keys: Vec<MasterKey> = Vec::new();
        for (at, entry) in entries.enumerate() {
            let wrong = |why: String| format!("{EXPECTED}: entry {} {why}", at + 1);
            let key = MasterKey::parse(entry).map_err(wrong)?;
            if keys.iter().any(|known| known.id == key.id) {
                return Err(wrong("has the id of one before it".to_owned()));
            }
            keys.push(key);
        }
        if keys.is_empty() {
            return Err(format!("{EXPECTED}: there is none"));
        }
        Ok(Self { keys })
    }

    pub(super) fn to_text(&self, separator: &str) -> SecretString {
        let mut text = Zeroizing::new(String::new());
        for (at, key) in self.keys.iter().enumerate() {
            let secret = Zeroizing::new(STANDARD.encode(key.expose()));
            let separator = if at == 0 { "" } else { separator };
            // Writing into a String cannot fail.
            let _ = write!(text, "{separator}{}:{}", key.id, *secret);
        }
        SecretString::from(text.as_str())
    }

    /// The key that seals and signs.
    pub(super) fn current(&self) -> &MasterKey {
        // Neither parsing nor adding makes an empty ring.
        &self.keys[0]
    }

    pub(super) fn keys(&self) -> &[MasterKey] {
        &self.keys
    }

    /// A key that is not in the ring yet.
    pub(super) fn new_key(&self) -> MasterKey {
        let mut id = new_id();
        while self.keys.iter().any(|key| key.id == id) {
            id = new_id();
        }
        let secret = Zeroizing::new(rand::random());
        MasterKey { id, secret }
    }

    pub(super) fn with_first(&self, key: MasterKey) -> Self {
        let keys = std::iter::once(key).chain(self.keys.iter().cloned());
        Self { keys: keys.collect() }
    }

    pub(super) fn with_last(&self, key: MasterKey) -> Self {
        let keys = self.keys.iter().cloned().chain([key]);
        Self { keys: keys.collect() }
    }
}

/// By chance and not by counting: a file that comes back from a backup must never give an id to a second key.
fn new_id() -> String {
    hex::encode(rand::random::<[u8; 4]>())
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    const ONE: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

    fn wrong(text: &str) -> String {
        let said = Ring::parse(text).err().unwrap();
        said.strip_prefix(EXPECTED).unwrap().to_owned()
    }

    #[test]
    fn the_first_is_current_and_text_comes_back() {
        let ring = Ring::parse(&format!(" b:{ONE} ,\na-1:{ONE}\n")).unwrap();
        assert_eq!((ring.current().id.as_str(), ring.keys().len()), ("b", 2));
        assert_eq!(ring.to_text("\n").expose_secret(), format!("b:{ONE}\na-1:{ONE}"));
    }

    #[test]
    fn what_is_wrong_is_said_without_showing_it() {
        assert_eq!(wrong(" ,\n"), ": there is none");
        assert_eq!(wrong("hush"), ": entry 1 has no colon");
        assert_eq!(wrong(&format!("a:{ONE},b:hush!")), ": entry 2 is not base64");
        assert_eq!(wrong("a:aHVzaA=="), ": entry 1 has 4 bytes");
        assert_eq!(
            wrong(&format!("a.b:{ONE}")),
            ": entry 1 has an id that is not 1 to 32 letters, digits, `-` or `_`"
        );
        assert_eq!(
            wrong(&format!("{}:{ONE}", "k".repeat(33))),
            ": entry 1 has an id that is not 1 to 32 letters, digits, `-` or `_`"
        );
        assert_eq!(
            wrong(&format!("a:{ONE},a:{ONE}")),
            ": entry 2 has the id of one before it"
        );
    }

    #[test]
    fn new_keys_differ_and_take_their_place() {
        let ring = Ring::of_a_new_key();
        let key = ring.new_key();
        assert_ne!(key.expose(), ring.current().expose());
        assert_eq!(ring.with_first(key.clone()).current().id, key.id);
        let last = ring.with_last(key.clone());
        assert_eq!(
            (last.current().id.as_str(), last.keys()[1].id.as_str()),
            (ring.current().id.as_str(), key.id.as_str())
        );
    }
}
