//! What a signed link to a file says. Signing and proving it is the caller's.

use std::fmt::Write as _;

use uuid::Uuid;

/// Which file of a document.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Variant {
    File,
    /// The small picture of a photo.
    Thumbnail,
}

impl Variant {
    /// What the `variant` of a link stands for; without one it is the file itself.
    pub fn parse(text: Option<&str>) -> Option<Self> {
        match text {
            None => Some(Self::File),
            Some("thumbnail") => Some(Self::Thumbnail),
            Some(_) => None,
        }
    }
}

/// A link to a document, as it is signed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Link {
    pub document: Uuid,
    pub variant: Variant,
    /// The last second in which it is good, since 1970.
    pub expires: i64,
}

/// Whether a link is still good.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Standing {
    Good,
    Expired,
}

impl Link {
    /// Reads a link from what its address says; `None` for what was never given out.
    pub fn parse(document: Uuid, variant: Option<&str>, expires: &str) -> Option<Self> {
        let number: i64 = expires.parse().ok()?;
        // One way to write a number: what is signed and what is read are then the same.
        let written_so = number >= 0 && number.to_string() == expires;
        let variant = Variant::parse(variant)?;
        written_so.then_some(Self {
            document,
            variant,
            expires: number,
        })
    }

    /// The bytes that are signed. `purpose` stands before them, so that no other signature of ours can be taken for this link's; what
    /// follows it is of a fixed length, so no two links have the same.
    pub fn signed_bytes(&self, purpose: &[u8]) -> Vec<u8> {
        let variant = match self.variant {
            Variant::File => 1,
            Variant::Thumbnail => 2,
        };
        let mut bytes = purpose.to_vec();
        bytes.extend_from_slice(self.document.as_bytes());
        bytes.push(variant);
        bytes.extend_from_slice(&self.expires.to_be_bytes());
        bytes
    }

    /// What follows the `?` of the address: `expires=…&signature=…`, and which file where it is not the document itself.
    pub fn query(&self, signature: &str) -> String {
        let mut query = format!("expires={}&signature=", self.expires);
        for byte in signature.bytes() {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
                query.push(char::from(byte));
            } else {
                // Writing to a text does not fail.
                let _ = write!(query, "%{byte:02X}");
            }
        }
        if self.variant == Variant::Thumbnail {
            query.push_str("&variant=thumbnail");
        }
        query
    }

    /// Whether the link is good at this second (since 1970).
    pub fn check(&self, now: i64) -> Standing {
        if now <= self.expires {
            Standing::Good
        } else {
            Standing::Expired
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PURPOSE: &[u8] = b"a purpose\0";

    fn link(variant: Variant) -> Link {
        Link {
            document: Uuid::from_u128(7),
            variant,
            expires: 1_800_000_000,
        }
    }

    #[test]
    fn an_address_says_all_that_was_signed() {
        assert_eq!(link(Variant::File).query("aB-_9"), "expires=1800000000&signature=aB-_9");
        assert_eq!(
            link(Variant::Thumbnail).query("a+/="),
            "expires=1800000000&signature=a%2B%2F%3D&variant=thumbnail"
        );
    }

    #[test]
    fn a_link_is_good_until_its_second_is_over() {
        let link = link(Variant::File);
        assert_eq!(link.check(1_799_996_400), Standing::Good);
        assert_eq!(link.check(1_800_000_000), Standing::Good);
        assert_eq!(link.check(1_800_000_001), Standing::Expired);
    }

    #[test]
    fn what_was_never_given_out_is_none() {
        let read = |variant, expires| Link::parse(Uuid::from_u128(7), variant, expires);
        assert_eq!(read(None, "1800000000"), Some(link(Variant::File)));
        assert_eq!(read(Some("thumbnail"), "1800000000"), Some(link(Variant::Thumbnail)));
        for expires in [
            "",
            "+1800000000",
            "01800000000",
            "-1",
            "1e9",
            " 1",
            "1.0",
            "9223372036854775808",
            "٣",
        ] {
            assert_eq!(read(None, expires), None, "{expires}");
        }
        for variant in ["", "file", "Thumbnail", "thumbnail&x"] {
            assert_eq!(read(Some(variant), "1"), None, "{variant}");
        }
    }

    fn any_link() -> impl Strategy<Value = Link> {
        let variant = prop_oneof![Just(Variant::File), Just(Variant::Thumbnail)];
        (any::<u128>(), variant, 0..=i64::MAX).prop_map(|(document, variant, expires)| Link {
            document: Uuid::from_u128(document),
            variant,
            expires,
        })
    }

    proptest! {
        #[test]
        fn no_two_links_are_signed_alike(one in any_link(), other in any_link(), later in 0..1000_i64) {
            prop_assert_eq!(one.signed_bytes(PURPOSE) == other.signed_bytes(PURPOSE), one == other);
            let changed = Link { expires: one.expires.saturating_sub(later), ..one };
            prop_assert_eq!(one.signed_bytes(PURPOSE) == changed.signed_bytes(PURPOSE), one == changed);
            prop_assert_eq!(one.signed_bytes(PURPOSE).len(), PURPOSE.len() + 16 + 1 + 8);
        }

        #[test]
        fn what_an_address_says_is_read_back(link in any_link()) {
            let variant = (link.variant == Variant::Thumbnail).then_some("thumbnail");
            prop_assert_eq!(Link::parse(link.document, variant, &link.expires.to_string()), Some(link));
        }
    }
}
