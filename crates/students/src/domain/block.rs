//! Blocks, and where they stand.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::BlockName;

const MOST_NORTH: f64 = 90.0;
const MOST_EAST: f64 = 180.0;

/// A block.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    pub id: Uuid,
    pub name: BlockName,
    /// `None` where nobody said.
    pub location: Option<Location>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// A place on earth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Location {
    latitude: f64,
    longitude: f64,
}

/// How full a block is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Fill {
    pub rooms: u32,
    pub capacity: u32,
    pub occupied: u32,
}

impl Block {
    /// A block that comes to be.
    pub fn new(id: Uuid, name: BlockName, location: Option<Location>, at: DateTime<Utc>) -> Self {
        Self {
            id,
            name,
            location,
            version: 1,
            created_at: at,
            updated_at: at,
        }
    }
}

impl Location {
    /// Each of the two that is wrong, and what was expected of it.
    pub fn new(latitude: f64, longitude: f64) -> Result<Self, Vec<(&'static str, &'static str)>> {
        // A range holds no NaN.
        let north = (-MOST_NORTH..=MOST_NORTH).contains(&latitude);
        let east = (-MOST_EAST..=MOST_EAST).contains(&longitude);
        let wrong = [
            (north, ("latitude", "must be between -90 and 90")),
            (east, ("longitude", "must be between -180 and 180")),
        ];
        let wrong: Vec<_> = wrong
            .into_iter()
            .filter_map(|(fits, what)| (!fits).then_some(what))
            .collect();
        if wrong.is_empty() {
            // Plus zero: a minus before it says nothing.
            Ok(Self {
                latitude: latitude + 0.0,
                longitude: longitude + 0.0,
            })
        } else {
            Err(wrong)
        }
    }

    pub fn latitude(self) -> f64 {
        self.latitude
    }

    pub fn longitude(self) -> f64 {
        self.longitude
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_on_earth() {
        for (latitude, longitude) in [(28.6139, 77.2090), (-90.0, 180.0), (90.0, -180.0), (0.0, 0.0)] {
            assert!(Location::new(latitude, longitude).is_ok(), "{latitude} {longitude}");
        }
        let wrong = |latitude, longitude| -> Vec<_> {
            let wrong = Location::new(latitude, longitude).unwrap_err();
            wrong.into_iter().map(|(field, _)| field).collect()
        };
        assert_eq!(wrong(90.1, 0.0), ["latitude"]);
        assert_eq!(wrong(0.0, -180.1), ["longitude"]);
        assert_eq!(wrong(f64::NAN, f64::INFINITY), ["latitude", "longitude"]);
        assert!(Location::new(-0.0, 0.0).unwrap().latitude().is_sign_positive());
    }
}
