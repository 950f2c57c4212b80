//! An API key: what it may do, from where, and until when.

use std::{fmt, net::IpAddr};

use chrono::{DateTime, Utc};
use ipnet::{IpNet, Ipv4Net};
use kit::contact::line;
use proto::options::Role;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{User, role::may_manage};

/// How many keys an owner has that hold.
pub const MOST_LIVE: u64 = 50;

const BEGINNING: &str = "hpk_";
/// Letters and digits after the beginning: 256 bits.
pub const SECRET_LENGTH: usize = 43;
/// How much of a key is shown later, to tell it from others.
const PREFIX_LENGTH: usize = 10;
const LONGEST_NAME: usize = 100;
const MOST_NETWORKS: usize = 20;
const LONGEST_NETWORK: usize = 50;
const USUAL_DAYS: u32 = 90;
const MOST_DAYS: u32 = 730;

/// What a tool sends to show who it is. Only its hash is kept.
#[derive(Clone, Eq, PartialEq)]
pub struct KeySecret(String);

impl KeySecret {
    /// Of random letters and digits.
    pub fn new(random: &str) -> Self {
        Self(format!("{BEGINNING}{random}"))
    }

    /// None for what can be no key: it is not worth a look into the database.
    pub fn parse(text: &str) -> Option<Self> {
        let random = text.strip_prefix(BEGINNING)?;
        let shaped = random.len() == SECRET_LENGTH && random.bytes().all(|byte| byte.is_ascii_alphanumeric());
        shaped.then(|| Self(text.to_owned()))
    }

    /// The form in which it is kept. 256 random bits need neither salt nor slow hashing.
    pub fn hash(&self) -> String {
        hex::encode(Sha256::digest(self.0.as_bytes()))
    }

    pub fn prefix(&self) -> String {
        self.0.chars().take(PREFIX_LENGTH).collect()
    }

    pub fn expose(&self) -> &str {
        &self.0
    }
}

// Never printed.
impl fmt::Debug for KeySecret {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("KeySecret")
    }
}

/// What a key is for, in words: one line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeyName(String);

impl KeyName {
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        line(text, LONGEST_NAME, "must be at most 100 characters").map(Self)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where a key may be used from; no networks for anywhere.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct AllowedIps(Vec<IpNet>);

impl AllowedIps {
    /// Addresses and networks in CIDR form, of both families.
    pub fn parse(texts: &[impl AsRef<str>]) -> Result<Self, &'static str> {
        if texts.len() > MOST_NETWORKS {
            return Err("must be at most 20 addresses or networks");
        }
        let mut networks = Vec::with_capacity(texts.len());
        for text in texts {
            let network = network(text.as_ref())
                .ok_or("must be addresses or networks, like 203.0.113.7, 203.0.113.0/24 or 2001:db8::/32")?;
            if !networks.contains(&network) {
                networks.push(network);
            }
        }
        Ok(Self(networks))
    }

    /// An address that nobody knows is in no network.
    pub fn admit(&self, address: Option<IpAddr>) -> bool {
        let within = |address: IpAddr| self.0.iter().any(|network| network.contains(&address.to_canonical()));
        self.0.is_empty() || address.is_some_and(within)
    }

    /// Each in its shortest form: an address alone stands without its length.
    pub fn texts(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(|network| {
            if network.prefix_len() == network.max_prefix_len() {
                network.addr().to_string()
            } else {
                network.to_string()
            }
        })
    }
}

fn network(text: &str) -> Option<IpNet> {
    if text.len() > LONGEST_NETWORK {
        return None;
    }
    let alone = text.parse::<IpAddr>().map(IpNet::from);
    let network = alone.or_else(|_| text.parse::<IpNet>()).ok()?.trunc();
    Some(canonical(network))
}

/// An IPv4 network in IPv6 clothes is the IPv4 network: callers' addresses are compared undressed.
fn canonical(network: IpNet) -> IpNet {
    const CLOTHES: u8 = 96;
    let IpNet::V6(six) = network else { return network };
    let length = six.prefix_len().checked_sub(CLOTHES);
    let four = six
        .addr()
        .to_ipv4_mapped()
        .zip(length)
        .and_then(|(address, length)| Ipv4Net::new(address, length).ok());
    four.map_or(network, IpNet::V4)
}

/// How long a key is asked to hold, in days.
pub fn days(wanted: Option<u32>) -> Result<chrono::Duration, &'static str> {
    let days = wanted.unwrap_or(USUAL_DAYS);
    if !(1..=MOST_DAYS).contains(&days) {
        return Err("must be between 1 and 730");
    }
    Ok(chrono::Duration::days(days.into()))
}

/// What a key may be for. A student's rpcs are about the student, so no tool stands in for one.
pub fn role(wanted: Role) -> Result<Role, &'static str> {
    match wanted {
        Role::Unspecified | Role::Student => Err("must be one of: warden, guard, staff, teacher, admin"),
        role => Ok(role),
    }
}

/// A key, without what makes it one.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiKey {
    pub id: Uuid,
    pub owner_id: Uuid,
    pub name: KeyName,
    pub prefix: String,
    pub role: Role,
    pub allowed_ips: AllowedIps,
    /// Grows by one with each event.
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub last_used_at: Option<DateTime<Utc>>,
    /// At an address that it may not be used from.
    pub last_refused_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
}

impl ApiKey {
    /// Whether it can act for its owner: neither of them has ended, and the owner still stands above what it may do.
    pub fn acts_for(&self, owner: &User, now: DateTime<Utc>) -> bool {
        let holds = self.revoked_at.is_none() && self.expires_at > now;
        holds && owner.id == self.owner_id && owner.is_active() && may_manage(owner.role, self.role)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{Email, PersonName, State};

    fn allowed(texts: &[&str]) -> AllowedIps {
        AllowedIps::parse(texts).unwrap()
    }

    #[test]
    fn addresses_and_networks_in_their_canonical_form() {
        let mixed = allowed(&[
            "203.0.113.7",
            "10.1.2.3/8",
            "2001:DB8:0::/32",
            "2001:db8::1",
            "::ffff:192.0.2.1",
            "::ffff:198.51.100.9/120",
            "203.0.113.7/32",
        ]);
        let texts: Vec<String> = mixed.texts().collect();
        let expected = [
            "203.0.113.7",
            "10.0.0.0/8",
            "2001:db8::/32",
            "2001:db8::1",
            "192.0.2.1",
            "198.51.100.0/24",
        ];
        assert_eq!(texts, expected);
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for odd in [
            "",
            " 10.0.0.1",
            "10.0.0.1/33",
            "10.0.0",
            "010.0.0.1",
            "10.0.0.1/-1",
            "::1/129",
            "hostel.example",
            "10.0.0.1,10.0.0.2",
            "fe80::1%eth0",
            "10.0.0.1\n",
        ] {
            assert!(AllowedIps::parse(&[odd]).is_err(), "{odd:?}");
        }
        assert!(AllowedIps::parse(&["1".repeat(10_000)]).is_err());
        assert!(AllowedIps::parse(&["10.0.0.1"; 21]).is_err());
    }

    #[test]
    fn who_is_admitted() {
        let address = |text: &str| Some(text.parse::<IpAddr>().unwrap());
        let list = allowed(&["203.0.113.0/24", "2001:db8::/32"]);
        for inside in ["203.0.113.0", "203.0.113.255", "::ffff:203.0.113.9", "2001:db8:ffff::1"] {
            assert!(list.admit(address(inside)), "{inside}");
        }
        for outside in ["203.0.114.0", "2001:db9::1", "::1", "::203.0.113.9"] {
            assert!(!list.admit(address(outside)), "{outside}");
        }
        assert!(!list.admit(None), "an unknown address is nowhere");
        assert!(AllowedIps::default().admit(None), "no list, no question");
        assert!(
            !allowed(&["::/0"]).admit(address("203.0.113.1")),
            "families are told apart"
        );
    }

    #[test]
    fn keys_are_shaped_and_never_printed() {
        let key = KeySecret::new(&"aB3".repeat(20)[..SECRET_LENGTH]);
        assert_eq!(key.prefix(), "hpk_aB3aB3");
        assert_eq!(KeySecret::parse(key.expose()), Some(key.clone()));
        assert_eq!(key.hash().len(), 64);
        assert_eq!(format!("{key:?}"), "KeySecret");
        let odd = [
            String::new(),
            "hpk_".to_owned(),
            format!("{}x", key.expose()),
            key.expose().replace("hpk_", "HPK_"),
        ];
        for text in odd {
            assert_eq!(KeySecret::parse(&text), None, "{text}");
        }
        assert_eq!(KeySecret::parse(&key.expose().replace('3', "/")), None);
    }

    #[test]
    fn a_key_acts_as_long_as_it_and_its_owner_hold() {
        let now = DateTime::from_timestamp(1_795_000_000, 0).unwrap();
        let owner = User {
            id: Uuid::from_u128(1),
            email: Email::parse("w@hostel.example").unwrap(),
            name: PersonName::parse("Asha").unwrap(),
            role: Role::Warden,
            registration_no: None,
            state: State::Active,
            version: 1,
            created_at: now,
            updated_at: now,
            last_login_at: None,
        };
        let key = ApiKey {
            id: Uuid::from_u128(2),
            owner_id: owner.id,
            name: KeyName::parse("Gate").unwrap(),
            prefix: String::new(),
            role: Role::Guard,
            allowed_ips: AllowedIps::default(),
            version: 1,
            created_at: now,
            expires_at: now + chrono::Duration::days(1),
            last_used_at: None,
            last_refused_at: None,
            revoked_at: None,
        };
        assert!(key.acts_for(&owner, now));
        assert!(!key.acts_for(&owner, key.expires_at));
        let revoked = ApiKey {
            revoked_at: Some(now),
            ..key.clone()
        };
        assert!(!revoked.acts_for(&owner, now));
        let deactivated = User {
            state: State::Deactivated,
            ..owner.clone()
        };
        assert!(!key.acts_for(&deactivated, now));
        let demoted = User {
            role: Role::Guard,
            ..owner.clone()
        };
        assert!(!key.acts_for(&demoted, now));
        let somebody_else = User {
            id: Uuid::from_u128(3),
            ..owner
        };
        assert!(!key.acts_for(&somebody_else, now));
    }

    #[test]
    fn days_and_roles() {
        assert_eq!(days(None), Ok(chrono::Duration::days(90)));
        assert!(days(Some(730)).is_ok() && days(Some(0)).is_err() && days(Some(731)).is_err());
        assert!(role(Role::Student).is_err() && role(Role::Unspecified).is_err());
        assert_eq!(role(Role::Guard), Ok(Role::Guard));
        assert!(KeyName::parse(" \u{7} ").is_err() && KeyName::parse("").is_err());
        assert!(KeyName::parse(&"x".repeat(101)).is_err());
    }

    proptest! {
        #[test]
        fn what_is_kept_is_read_back(addresses in prop::collection::vec((any::<u128>(), 0_u8..=128, any::<bool>()), 0..20)) {
            let texts: Vec<String> = addresses
                .into_iter()
                .map(|(bits, length, four)| {
                    let four_bits = u32::try_from(bits & 0xffff_ffff).unwrap();
                    if four {
                        format!("{}/{}", std::net::Ipv4Addr::from(four_bits), length.min(32))
                    } else {
                        format!("{}/{length}", std::net::Ipv6Addr::from(bits))
                    }
                })
                .collect();
            let parsed = AllowedIps::parse(&texts).unwrap();
            let kept: Vec<String> = parsed.texts().collect();
            prop_assert_eq!(AllowedIps::parse(&kept).unwrap(), parsed);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,60}") {
            if let Ok(list) = AllowedIps::parse(std::slice::from_ref(&text)) {
                prop_assert_eq!(list.texts().count(), 1);
            }
        }
    }
}
