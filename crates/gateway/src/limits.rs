//! How often: token buckets by address, user or a field of the request, as the rpcs declare them.

use std::{fmt::Write as _, net::IpAddr, time::Duration};

use kit::{
    access::Identity,
    cache::{Bucket, Limiter, Taken},
};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

/// One line of `limits`: `5 failures/minute/ip+identifier`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Limit {
    /// The beginning of the bucket's name: which rpc, which line.
    name: String,
    bucket: Bucket,
    /// Counts only the calls that the service refuses.
    failures: bool,
    keys: Vec<Key>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Key {
    Ip,
    User,
    Field(String),
}

/// Who asks for what, as far as limits look at it.
pub(crate) struct Asking<'a> {
    pub(crate) ip: Option<IpAddr>,
    pub(crate) identity: &'a Identity,
    /// The request's fields, once they are known.
    pub(crate) fields: &'a Map<String, Value>,
}

/// What was taken for one request: the figures for its answer, and what is open until it is known whether it failed.
#[derive(Default)]
pub(crate) struct Spent {
    figures: Option<Figures>,
    /// Taken, and put back unless it failed.
    reserved: Vec<(String, Bucket)>,
    /// Looked at, and taken when it failed.
    owed: Vec<(String, Bucket)>,
}

/// The figures of the tightest limit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figures {
    pub(crate) limit: u32,
    pub(crate) remaining: u32,
    /// Until the whole budget is there again.
    pub(crate) reset: Duration,
}

/// No token is left; how long until there is one.
pub(crate) struct Exhausted(pub(crate) Duration);

impl Limit {
    /// Reads one line of an rpc. `has_field` tells whether the request can be told apart by a field.
    pub(crate) fn read(rpc: &str, line: &str, has_field: impl Fn(&str) -> bool) -> Result<Self, String> {
        let grammar =
            || format!("the limit {line:?} must look like `<n>[ failures]/<second|minute|hour|day>/<key>[+<key>]`");
        let mut parts = line.split('/');
        let (Some(count), Some(period), Some(keys), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(grammar());
        };
        let (count, failures) = match count.strip_suffix(" failures") {
            Some(count) => (count, true),
            None => (count, false),
        };
        let capacity = count.parse().ok().filter(|count| *count > 0).ok_or_else(grammar)?;
        let seconds = match period {
            "second" => 1,
            "minute" => 60,
            "hour" => 3600,
            "day" => 86_400,
            _ => return Err(grammar()),
        };
        let keys = keys.split('+').map(|key| match key {
            "ip" => Ok(Key::Ip),
            "user" => Ok(Key::User),
            field if has_field(field) => Ok(Key::Field(field.to_owned())),
            other => Err(format!(
                "the limit {line:?} counts by {other:?}, which is neither `ip` nor `user` nor a plain field of the request"
            )),
        });
        let bucket = Bucket {
            capacity,
            per: Duration::from_secs(seconds),
        };
        Ok(Self {
            name: format!("limit:{rpc}:{line}"),
            bucket,
            failures,
            keys: keys.collect::<Result<_, _>>()?,
        })
    }

    /// The budget of a user, or of an address, for everything that sets no limits of its own.
    pub(crate) fn general(by_user: bool, per_minute: u32) -> Self {
        Self {
            name: if by_user { "limit:user" } else { "limit:anonymous" }.to_owned(),
            bucket: Bucket {
                capacity: per_minute,
                per: Duration::from_mins(1),
            },
            failures: false,
            keys: vec![if by_user { Key::User } else { Key::Ip }],
        }
    }

    /// Whether the limit needs to know the signed-in user.
    pub(crate) fn needs_user(&self) -> bool {
        self.keys.contains(&Key::User)
    }

    /// Whether the limit needs the request's fields, so that it cannot be taken before they are read.
    pub(crate) fn needs_fields(&self) -> bool {
        self.keys.iter().any(|key| matches!(key, Key::Field(_)))
    }

    /// Whether it counts the failures of an address, which a whole campus may share. Nothing is reserved there: with a
    /// hundred people signing in at once the next would be turned away though nobody failed. More failures than the limit
    /// get through then, but no more than are under way when it is reached. What counts by a user or by a field of the
    /// request is reserved: there guesses under way are what it is about.
    fn is_shared(&self) -> bool {
        self.failures && self.keys.iter().all(|key| *key == Key::Ip)
    }

    fn bucket_name(&self, asking: &Asking<'_>) -> String {
        let mut name = self.name.clone();
        for key in &self.keys {
            name.push(':');
            // Writing to a string cannot fail.
            let _ = match key {
                Key::Ip => match asking.ip {
                    Some(ip) => write!(name, "{}", network_of(ip)),
                    None => write!(name, "nowhere"),
                },
                Key::User => match asking.identity {
                    Identity::User { id, .. } => write!(name, "{id}"),
                    Identity::Nobody | Identity::Service { .. } => write!(name, "nobody"),
                },
                Key::Field(field) => write!(name, "{}", digest(asking.fields.get(field))),
            };
        }
        name
    }
}

/// A household with IPv6 has 2⁶⁴ addresses and is one client all the same.
fn network_of(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(_) => ip,
        IpAddr::V6(address) => IpAddr::from((address.to_bits() >> 64 << 64).to_be_bytes()),
    }
}

/// A value as part of a name: e-mail addresses differ in case only for people, and none belongs in a cache's keys.
fn digest(value: Option<&Value>) -> String {
    let text = match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.trim().to_lowercase(),
        Some(other) => other.to_string(),
    };
    hex::encode(&Sha256::digest(text)[..16])
}

/// Takes a token for each limit that `fits`; where failures of an address count, only looks whether there is one.
pub(crate) async fn spend(
    limits: &[Limit],
    fits: impl Fn(&Limit) -> bool,
    asking: &Asking<'_>,
    limiter: &Limiter,
    spent: &mut Spent,
) -> Result<(), Exhausted> {
    for limit in limits.iter().filter(|limit| fits(limit)) {
        let name = limit.bucket_name(asking);
        let shared = limit.is_shared();
        let taken = if shared {
            limiter.look(&name, limit.bucket).await
        } else {
            limiter.take(&name, limit.bucket, 1).await
        };
        spent.note(limit.bucket, taken);
        if !taken.allowed {
            return Err(Exhausted(taken.retry_after));
        }
        if shared {
            spent.owed.push((name, limit.bucket));
        } else if limit.failures {
            spent.reserved.push((name, limit.bucket));
        }
    }
    Ok(())
}

/// Refuses where a limit is exhausted; takes nothing.
pub(crate) async fn look(limits: &[Limit], asking: &Asking<'_>, limiter: &Limiter) -> Result<(), Exhausted> {
    for limit in limits {
        let seen = limiter.look(&limit.bucket_name(asking), limit.bucket).await;
        if !seen.allowed {
            return Err(Exhausted(seen.retry_after));
        }
    }
    Ok(())
}

impl Spent {
    fn note(&mut self, bucket: Bucket, taken: Taken) {
        let missing = bucket.capacity.saturating_sub(taken.remaining);
        let new = Figures {
            limit: bucket.capacity,
            remaining: taken.remaining,
            reset: bucket.per * missing / bucket.capacity,
        };
        let tighter = self.figures.is_none_or(|known| new.remaining < known.remaining);
        if tighter || !taken.allowed {
            self.figures = Some(new);
        }
    }

    /// The figures of the tightest limit, where any applies.
    pub(crate) fn figures(&self) -> Option<Figures> {
        self.figures
    }

    /// Settles what counts failures only, once it is known whether the call was one.
    pub(crate) async fn settle(&mut self, failed: bool, limiter: &Limiter) {
        for (name, bucket) in self.reserved.drain(..) {
            if !failed {
                limiter.take(&name, bucket, -1).await;
            }
        }
        for (name, bucket) in std::mem::take(&mut self.owed) {
            if failed {
                let taken = limiter.take(&name, bucket, 1).await;
                self.note(bucket, taken);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(line: &str) -> Result<Limit, String> {
        Limit::read("a.B.C", line, |field| field == "identifier")
    }

    #[test]
    fn lines_of_the_grammar_are_read() {
        let limit = read("5 failures/minute/ip+identifier").unwrap();
        assert_eq!((limit.bucket.capacity, limit.bucket.per.as_secs()), (5, 60));
        assert!(limit.failures && limit.needs_fields() && !limit.needs_user());
        let limit = read("10/hour/user").unwrap();
        assert!(!limit.failures && limit.needs_user() && !limit.needs_fields());
        for wrong in [
            "",
            "5",
            "5/minute",
            "0/minute/ip",
            "-1/minute/ip",
            "5/week/ip",
            "5/minute/",
            "5/minute/ip+",
            "5/minute/other",
            "5 failure/minute/ip",
            "5/minute/ip/x",
            "x/minute/ip",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn buckets_are_told_apart_by_their_keys_and_hide_them() {
        let limit = read("5 failures/minute/ip+identifier").unwrap();
        let name = |ip: &str, identifier: &str| {
            let fields = json!({"identifier": identifier});
            limit.bucket_name(&Asking {
                ip: Some(ip.parse().unwrap()),
                identity: &Identity::Nobody,
                fields: fields.as_object().unwrap(),
            })
        };
        assert_eq!(name("1.2.3.4", "a@b.c"), name("1.2.3.4", " A@b.C"));
        assert_ne!(name("1.2.3.4", "a@b.c"), name("1.2.3.5", "a@b.c"));
        assert_ne!(name("1.2.3.4", "a@b.c"), name("1.2.3.4", "b@b.c"));
        assert_eq!(name("2001:db8::1", "a"), name("2001:db8::2", "a"));
        assert_ne!(name("2001:db8::1", "a"), name("2001:db8:0:1::1", "a"));
        assert!(!name("1.2.3.4", "a@b.c").contains("a@b.c"));
    }
}
