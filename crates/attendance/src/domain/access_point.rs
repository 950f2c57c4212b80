//! Access points that speak for a block, and what a phone sees of them.

use std::fmt;

/// The hardware address of an access point.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Bssid([u8; 6]);

/// An access point that a block is known to have.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KnownPoint {
    pub bssid: Bssid,
    /// Where it hangs.
    pub label: Option<String>,
}

/// An access point that a phone sees.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SeenPoint {
    pub bssid: Bssid,
    /// How strongly, in dBm.
    pub rssi: Option<i32>,
}

/// What a sight without a strength is worth.
const UNSAID: f64 = 0.4;

impl Bssid {
    /// Six pairs of hexadecimal digits with `:` or `-` between them, in any case.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        const WRONG: &str = "must be six pairs of hexadecimal digits like 3c:84:6a:12:34:56";
        let mut bytes = [0; 6];
        let mut pairs = text.split([':', '-']);
        for byte in &mut bytes {
            let pair = pairs.next().filter(|pair| pair.len() == 2).ok_or(WRONG)?;
            // The parser of numbers takes a sign as well.
            if !pair.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return Err(WRONG);
            }
            *byte = u8::from_str_radix(pair, 16).map_err(|_| WRONG)?;
        }
        match pairs.next() {
            None => Ok(Self(bytes)),
            Some(_) => Err(WRONG),
        }
    }
}

impl fmt::Display for Bssid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, byte) in self.0.iter().enumerate() {
            let between = if place == 0 { "" } else { ":" };
            write!(f, "{between}{byte:02x}")?;
        }
        Ok(())
    }
}

/// How strongly the access points that a phone sees speak for a block, from 0 to 1; `None` where none of them is the block's.
/// The strongest counts: from -90 dBm, which carries through walls, to -40 dBm, which is the same room. A block without
/// known access points is never seen.
pub fn strength(known: &[Bssid], seen: &[SeenPoint]) -> Option<f64> {
    let ours = seen.iter().filter(|point| known.contains(&point.bssid));
    ours.map(|point| {
        point
            .rssi
            .map_or(UNSAID, |rssi| (0.2 + f64::from(rssi + 90) * 0.7 / 50.0).clamp(0.2, 0.9))
    })
    .max_by(f64::total_cmp)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(text: &str) -> Bssid {
        Bssid::parse(text).unwrap()
    }

    fn seen(text: &str, rssi: Option<i32>) -> SeenPoint {
        SeenPoint {
            bssid: point(text),
            rssi,
        }
    }

    #[test]
    fn addresses_are_the_same_however_they_are_written() {
        assert_eq!(point("3C-84-6A-12-34-56"), point("3c:84:6a:12:34:56"));
        assert_eq!(point("3C-84-6A-12-34-56").to_string(), "3c:84:6a:12:34:56");
        for wrong in [
            "",
            "3c:84:6a:12:34",
            "3c:84:6a:12:34:56:78",
            "3c:84:6a:12:34:5g",
            "+c:84:6a:12:34:56",
            "3c846a123456",
        ] {
            assert!(Bssid::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_strongest_of_the_blocks_own_counts() {
        let known = [point("00:00:00:00:00:01"), point("00:00:00:00:00:02")];
        let far = seen("00:00:00:00:00:01", Some(-85));
        let near = seen("00:00:00:00:00:02", Some(-45));
        let foreign = seen("00:00:00:00:00:09", Some(-20));
        assert_eq!(strength(&known, &[]), None);
        assert_eq!(strength(&known, &[foreign]), None);
        assert!(strength(&known, &[far, foreign]) < strength(&known, &[far, near]));
        assert_eq!(strength(&known, &[far, near]), strength(&known, &[near, far]));
        assert_eq!(strength(&[], &[near]), None, "nothing is known of the block");
        assert_eq!(strength(&known, &[seen("00:00:00:00:00:01", None)]), Some(UNSAID));
        for rssi in [i32::from(i8::MIN), 20] {
            let worth = strength(&known, &[seen("00:00:00:00:00:01", Some(rssi))]).unwrap();
            assert!((0.0..=1.0).contains(&worth), "{worth}");
        }
    }
}
