//! What somebody signs in with: in words for people, and as a fingerprint by which it is known again.

use std::net::IpAddr;

use sha2::{Digest as _, Sha256};

/// More of a user agent says nothing more.
const LONGEST: usize = 512;

/// Browsers by what they call themselves. Most claim to be others as well, so the more particular names come first.
const BROWSERS: &[(&str, &str)] = &[
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];

/// Systems, the more particular first: Android calls itself Linux too, and iPads call themselves like Macs.
const SYSTEMS: &[(&str, &str)] = &[
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
];

/// Programs that are no browsers, by the beginning of their user agent.
const PROGRAMS: &[(&str, &str)] = &[("curl/", "curl"), ("Wget/", "wget"), ("PostmanRuntime/", "Postman")];

/// The part of a user agent that is kept and looked at.
pub fn bounded(user_agent: &str) -> &str {
    let end = user_agent.floor_char_boundary(LONGEST);
    user_agent.get(..end).unwrap_or_default()
}

/// A device in words: `Firefox on Linux`, `an app (okhttp)`, `unknown device`.
pub fn words(user_agent: Option<&str>) -> String {
    let agent = bounded(user_agent.unwrap_or_default());
    let among = |known: &[(&str, &'static str)]| known.iter().find(|(mark, _)| agent.contains(mark)).map(|one| one.1);
    let program = PROGRAMS.iter().find(|(mark, _)| agent.starts_with(mark));
    if let Some((_, name)) = program {
        return (*name).to_owned();
    }
    match (among(BROWSERS), among(SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        (None, _) => app(agent),
    }
}

/// The device's network and user agent as one short text; the same device in the same network gives the same.
pub fn fingerprint(user_agent: Option<&str>, ip: Option<&str>) -> String {
    let agent = bounded(user_agent.unwrap_or_default());
    let mut hash = Sha256::new();
    hash.update(network(ip.unwrap_or_default()));
    // A network holds no line break: nothing passes for another pair.
    hash.update(b"\n");
    hash.update(agent);
    hex::encode(hash.finalize())
}

/// Programs name themselves before the first slash; only a plain name is shown.
fn app(agent: &str) -> String {
    let name = agent.split(['/', ' ', '(']).next().unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if name.is_empty() || name.len() > 40 || !name.chars().all(plain) || name == "Mozilla" {
        return "unknown device".to_owned();
    }
    format!("an app ({name})")
}

/// The network around an address: providers change the last part from day to day.
fn network(ip: &str) -> String {
    match ip.parse::<IpAddr>().map(|ip| ip.to_canonical()) {
        Ok(IpAddr::V4(ip)) => {
            let [a, b, c, _] = ip.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        Ok(IpAddr::V6(ip)) => {
            let [a, b, c, ..] = ip.segments();
            format!("{a:x}:{b:x}:{c:x}::/48")
        }
        Err(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn devices_in_words() {
        for (agent, expected) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0",
                "Firefox on Linux",
            ),
            (
                "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0.0.0 Mobile Safari/537.36",
                "Chrome on Android",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0.0.0 Safari/537.36 Edg/129.0.0.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
                "Safari on iPhone",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15",
                "Safari on macOS",
            ),
            ("okhttp/4.12.0", "an app (okhttp)"),
            ("HostelApp/2.1 (Android 14)", "an app (HostelApp)"),
            ("curl/8.5.0", "curl"),
            ("Mozilla/5.0", "unknown device"),
            ("<script>alert(1)</script>", "unknown device"),
            ("", "unknown device"),
        ] {
            assert_eq!(words(Some(agent)), expected, "{agent}");
        }
        assert_eq!(words(None), "unknown device");
    }

    #[test]
    fn a_device_is_known_again_within_its_network() {
        let of = |ip| fingerprint(Some("Firefox"), Some(ip));
        assert_eq!(of("203.0.113.7"), of("203.0.113.200"));
        assert_eq!(of("203.0.113.7"), of("::ffff:203.0.113.9"));
        assert_ne!(of("203.0.113.7"), of("203.0.114.7"));
        assert_eq!(of("2001:db8:1:2::3"), of("2001:db8:1:ffff::9"));
        assert_ne!(of("2001:db8:1::1"), of("2001:db8:2::1"));
        assert_ne!(fingerprint(Some("Firefox"), None), fingerprint(Some("Chrome"), None));
    }

    proptest! {
        #[test]
        fn whatever_it_calls_itself_the_words_are_short_and_plain(agent in "\\PC{0,700}") {
            let said = words(Some(&agent));
            prop_assert!(said.len() <= 60 && said.is_ascii(), "{}", said);
            prop_assert!(bounded(&agent).len() <= LONGEST);
        }
    }
}
