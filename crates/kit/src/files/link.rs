//! Links to files: whoever has one needs no token, for as long as it is good.

use std::fmt::Write as _;

use chrono::{DateTime, Duration, SubsecRound as _, Utc};
use url::Url;
use uuid::Uuid;

use crate::keyring::Signer;

/// Which file of a document.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Variant {
    File,
    /// The small picture of a photo.
    Thumbnail,
}

impl Variant {
    /// What the `variant` of a link stands for; without one it is the file itself.
    fn parse(text: Option<&str>) -> Option<Self> {
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

/// The links to one kind of documents, as they are given out and known again at a moment.
pub struct Links<'a> {
    /// Stands before everything that is signed, so that no other signature of ours can be taken for one of these links. Ends in what
    /// stands in no other purpose.
    pub purpose: &'static [u8],
    pub signer: &'a Signer,
    /// Where addresses begin.
    pub base: &'a Url,
    /// What the documents are called in addresses.
    pub collection: &'static str,
    pub now: DateTime<Utc>,
}

/// A link that was given out, and until when it is good.
#[derive(Clone, Debug)]
pub struct GoodLink {
    pub url: Url,
    pub expires_at: DateTime<Utc>,
}

impl Links<'_> {
    /// A link that is good for so long.
    pub fn give(&self, document: Uuid, variant: Variant, life: Duration) -> GoodLink {
        let expires_at = (self.now + life).trunc_subsecs(0);
        let link = Link {
            document,
            variant,
            expires: expires_at.timestamp(),
        };
        let mut url = self.base.clone();
        // The base is an http address (checked when it is read), which always has a path.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty()
                .extend(["api", "v1", self.collection, &document.to_string()]);
        }
        let signature = self.signer.sign(&link.signed_bytes(self.purpose));
        url.set_query(Some(&link.query(&signature)));
        GoodLink { url, expires_at }
    }

    /// What a link says, if it was given out and is still good.
    pub fn read(&self, document: Uuid, variant: Option<&str>, expires: &str, signature: &str) -> Option<Link> {
        let link = Link::parse(document, variant, expires)?;
        let is_ours = self.signer.verify(&link.signed_bytes(self.purpose), signature);
        (is_ours && self.now.timestamp() <= link.expires).then_some(link)
    }
}

impl Link {
    /// Reads a link from what its address says; `None` for what was never given out.
    fn parse(document: Uuid, variant: Option<&str>, expires: &str) -> Option<Self> {
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

    /// The bytes that are signed. What follows the purpose is of a fixed length, so no two links have the same.
    fn signed_bytes(&self, purpose: &[u8]) -> Vec<u8> {
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
    fn query(&self, signature: &str) -> String {
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
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        config::{Base, SecretText},
        keyring::{Keyring, MasterKeys},
    };

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
        let config = Base {
            master_keys: Some(SecretText("one:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=".into())),
            ..Base::default()
        };
        let keyring = Keyring::open(MasterKeys::of(&config).unwrap()).unwrap();
        let signer = keyring.signer("tests/links");
        let base = Url::parse("https://hostel.example.org/pulse/").unwrap();
        let at = |seconds| Links {
            purpose: PURPOSE,
            signer: &signer,
            base: &base,
            collection: "papers",
            now: DateTime::from_timestamp(seconds, 900_000_000).unwrap(),
        };
        let id = Uuid::from_u128(7);
        let given = at(1_799_999_990).give(id, Variant::Thumbnail, Duration::seconds(10));
        assert_eq!(given.expires_at, DateTime::from_timestamp(1_800_000_000, 0).unwrap());
        assert_eq!(given.url.path(), format!("/pulse/api/v1/papers/{id}"));
        let said = |name: &str| given.url.query_pairs().find(|(key, _)| key == name).unwrap().1;
        let (expires, signature, variant) = (said("expires"), said("signature"), said("variant"));
        let read = |seconds| at(seconds).read(id, Some(&variant), &expires, &signature);
        assert_eq!(read(1_800_000_000), Some(link(Variant::Thumbnail)));
        assert_eq!(read(1_800_000_001), None);
        // Of another variant, of another document, for another purpose.
        assert_eq!(at(1_800_000_000).read(id, None, &expires, &signature), None);
        let other = Uuid::from_u128(8);
        assert_eq!(
            at(1_800_000_000).read(other, Some(&variant), &expires, &signature),
            None
        );
        let elsewhere = Links {
            purpose: b"another purpose\0",
            ..at(1_800_000_000)
        };
        assert_eq!(elsewhere.read(id, Some(&variant), &expires, &signature), None);
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
