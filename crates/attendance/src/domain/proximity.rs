//! How far a phone is from the display, and what may be said of it, given how well phones know where they are.

use chrono::{DateTime, Duration, Utc};

use super::Place;

/// The earth's radius at the equator, in metres, and by how much it is less at the poles (WGS 84).
const EQUATOR: f64 = 6_378_137.0;
const FLATTENING: f64 = 1.0 / 298.257_223_563;
/// Takes a radius of 95 % certainty to one of 99 %.
const CERTAIN: f64 = 1.24;
/// How far a phone's clock may be ahead.
pub const AHEAD: Duration = Duration::minutes(1);

/// Where a phone says that it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fix {
    pub latitude: f64,
    pub longitude: f64,
    /// The radius within which the phone is with 95 % certainty; `None` where the phone does not say.
    pub accuracy_meters: Option<f64>,
    pub captured_at: Option<DateTime<Utc>>,
    /// The phone knows it to be made up.
    pub mocked: bool,
}

/// What can be said of a distance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Nearness {
    Near,
    /// Both phones may err by so much that nobody can say.
    Uncertain,
    /// Farther than this is too far, whatever the phones' errors.
    Far {
        allowed_meters: f64,
    },
}

/// Why a fix says nothing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unusable {
    Mocked,
    /// A phone that knows where it is to the millimetre does not.
    AccuracyZero,
    AccuracyOverCap,
    TooOld,
    InTheFuture,
}

/// What is asked of a fix.
#[derive(Clone, Copy, Debug)]
pub struct FixRules {
    pub accuracy_cap_meters: f64,
    pub age: Duration,
}

/// The way over the ground between two places, in metres: the haversine on a sphere, corrected for the flattening of the earth
/// (Lambert). On the sphere alone a metre to the north is up to 5 mm off; this is right to a ten-thousandth.
pub fn distance_meters(one: (f64, f64), other: (f64, f64)) -> f64 {
    let reduced = |latitude: f64| ((1.0 - FLATTENING) * latitude.to_radians().tan()).atan();
    let (first, second) = (reduced(one.0), reduced(other.0));
    let (north, east) = (second - first, (other.1 - one.1).to_radians());
    let half = (north / 2.0).sin().powi(2) + first.cos() * second.cos() * (east / 2.0).sin().powi(2);
    // Rounding may take it out of 0 to 1 by a hair, where the root is not a number.
    let half = half.clamp(0.0, 1.0);
    let angle = 2.0 * half.sqrt().asin();
    if half <= 0.0 || half >= 1.0 {
        return EQUATOR * angle;
    }
    let (middle, apart) = (f64::midpoint(first, second), north / 2.0);
    let along = (angle - angle.sin()) * (middle.sin() * apart.cos()).powi(2) / (1.0 - half);
    let across = (angle + angle.sin()) * (middle.cos() * apart.sin()).powi(2) / half;
    EQUATOR * (angle - FLATTENING / 2.0 * (along + across))
}

/// What a distance means. Without the phone's accuracy the rule is strict; with it, too far is only what both errors together
/// do not explain.
pub fn nearness(distance: f64, radius: f64, phone_accuracy: Option<f64>, place_accuracy: f64) -> Nearness {
    if distance <= radius {
        return Nearness::Near;
    }
    let error = phone_accuracy.map_or(0.0, |phone| CERTAIN * phone.hypot(place_accuracy));
    if phone_accuracy.is_none() || distance - error > radius {
        return Nearness::Far {
            allowed_meters: radius + error,
        };
    }
    Nearness::Uncertain
}

impl Unusable {
    /// The reason as it is told.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mocked => "mocked",
            Self::AccuracyZero => "accuracy_zero",
            Self::AccuracyOverCap => "accuracy_over_cap",
            Self::TooOld => "too_old",
            Self::InTheFuture => "in_the_future",
        }
    }
}

impl Fix {
    pub fn distance_to(&self, place: &Place) -> f64 {
        distance_meters((self.latitude, self.longitude), (place.latitude, place.longitude))
    }

    /// Whether the fix says anything about where the phone was at this time.
    pub fn usable(&self, at: DateTime<Utc>, rules: FixRules) -> Result<(), Unusable> {
        if self.mocked {
            return Err(Unusable::Mocked);
        }
        match self.accuracy_meters {
            Some(accuracy) if accuracy <= 0.0 => return Err(Unusable::AccuracyZero),
            Some(accuracy) if accuracy > rules.accuracy_cap_meters => return Err(Unusable::AccuracyOverCap),
            _ => {}
        }
        match self.captured_at {
            Some(captured) if captured > at + AHEAD => Err(Unusable::InTheFuture),
            Some(captured) if at - captured > rules.age => Err(Unusable::TooOld),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The way over the ellipsoid WGS 84 (Vincenty 1975); `None` for nearly opposite places, where it does not settle.
    fn geodesic(one: (f64, f64), other: (f64, f64)) -> Option<f64> {
        let (major, flattening) = (EQUATOR, FLATTENING);
        let minor = major * (1.0 - flattening);
        let length = (other.1 - one.1).to_radians();
        let reduced = |latitude: f64| ((1.0 - flattening) * latitude.to_radians().tan()).atan().sin_cos();
        let ((sin1, cos1), (sin2, cos2)) = (reduced(one.0), reduced(other.0));
        let mut lambda = length;
        for _ in 0..200 {
            let (sin_lambda, cos_lambda) = lambda.sin_cos();
            let sin_sigma = (cos2 * sin_lambda).hypot(cos1 * sin2 - sin1 * cos2 * cos_lambda);
            if sin_sigma == 0.0 {
                return Some(0.0);
            }
            let cos_sigma = sin1 * sin2 + cos1 * cos2 * cos_lambda;
            let sigma = sin_sigma.atan2(cos_sigma);
            let sin_alpha = cos1 * cos2 * sin_lambda / sin_sigma;
            let cos2_alpha = 1.0 - sin_alpha * sin_alpha;
            let middle = if cos2_alpha == 0.0 {
                0.0
            } else {
                cos_sigma - 2.0 * sin1 * sin2 / cos2_alpha
            };
            let c = flattening / 16.0 * cos2_alpha * (4.0 + flattening * (4.0 - 3.0 * cos2_alpha));
            let inner = middle + c * cos_sigma * (2.0 * middle * middle - 1.0);
            let next = length + (1.0 - c) * flattening * sin_alpha * (sigma + c * sin_sigma * inner);
            if (next - lambda).abs() < 1e-12 {
                let u2 = cos2_alpha * (major * major - minor * minor) / (minor * minor);
                let a = 1.0 + u2 / 16384.0 * (4096.0 + u2 * (u2 * (320.0 - 175.0 * u2) - 768.0));
                let b = u2 / 1024.0 * (256.0 + u2 * (u2 * (74.0 - 47.0 * u2) - 128.0));
                let last = b / 6.0 * middle * (4.0 * sin_sigma * sin_sigma - 3.0) * (4.0 * middle * middle - 3.0);
                let delta = b * sin_sigma * (middle + b / 4.0 * (cos_sigma * (2.0 * middle * middle - 1.0) - last));
                return Some(minor * a * (sigma - delta));
            }
            lambda = next;
        }
        None
    }

    fn place() -> impl Strategy<Value = (f64, f64)> {
        (-89.0..89.0, -180.0..180.0)
    }

    fn fix() -> Fix {
        Fix {
            latitude: 28.6139,
            longitude: 77.209,
            accuracy_meters: Some(5.0),
            captured_at: None,
            mocked: false,
        }
    }

    proptest! {
        #[test]
        fn a_way_is_as_long_back_as_forth(one in place(), other in place()) {
            let (forth, back) = (distance_meters(one, other), distance_meters(other, one));
            prop_assert!((forth - back).abs() <= 1e-6 * forth.max(1.0), "{forth} {back}");
            prop_assert!(distance_meters(one, one) < 1e-6);
        }

        /// Within 0.1 %, anywhere but on the other side of the earth, where there is no one shortest way.
        #[test]
        fn a_way_is_that_over_the_ellipsoid(one in place(), other in place()) {
            let Some(exact) = geodesic(one, other).filter(|exact| *exact < 18_000_000.0) else { return Ok(()) };
            let ours = distance_meters(one, other);
            prop_assert!((ours - exact).abs() <= 0.001 * exact + 1e-6, "{ours} {exact}");
        }

        /// Where hostels are, for ways of up to some hundred metres: within 0.01 %.
        #[test]
        fn short_ways_are_right_where_hostels_are(
            one in (8.0..35.0, 68.0..97.0),
            (north, east) in (-0.003..0.003, -0.003..0.003),
        ) {
            let other = (one.0 + north, one.1 + east);
            let exact = geodesic(one, other).unwrap();
            let ours = distance_meters(one, other);
            prop_assert!((ours - exact).abs() <= 0.0001 * exact + 1e-4, "{ours} {exact}");
        }

        #[test]
        fn farther_is_never_better(
            (near, more) in (0.0..500.0, 0.0..500.0),
            radius in 0.1..100.0,
            phone in proptest::option::of(0.0..100.0),
            guard in 0.0..100.0,
        ) {
            let rank = |distance| match nearness(distance, radius, phone, guard) {
                Nearness::Near => 0,
                Nearness::Uncertain => 1,
                Nearness::Far { .. } => 2,
            };
            prop_assert!(rank(near) <= rank(near + more));
        }

        /// Who owns up to an error is never refused where a phone that says nothing is not.
        #[test]
        fn accuracy_never_hurts(distance in 0.0..500.0, radius in 0.1..100.0, phone in 0.1..100.0, guard in 0.0..100.0) {
            let strict = nearness(distance, radius, None, guard);
            let honest = nearness(distance, radius, Some(phone), guard);
            prop_assert_eq!(strict == Nearness::Near, honest == Nearness::Near);
            prop_assert!(strict != Nearness::Uncertain);
        }

        #[test]
        fn what_is_allowed_is_where_far_begins(radius in 0.1..100.0, phone in 0.1..100.0, guard in 0.0..100.0) {
            let Nearness::Far { allowed_meters } = nearness(10_000.0, radius, Some(phone), guard) else {
                panic!("that is far");
            };
            prop_assert_eq!(nearness(allowed_meters - 0.001, radius, Some(phone), guard), Nearness::Uncertain);
            let beyond = nearness(allowed_meters + 0.001, radius, Some(phone), guard);
            let is_far = matches!(beyond, Nearness::Far { .. });
            prop_assert!(is_far);
        }
    }

    #[test]
    fn the_three_outcomes_of_an_example() {
        assert_eq!(nearness(2.0, 2.0, None, 5.0), Nearness::Near);
        assert_eq!(nearness(2.1, 2.0, None, 5.0), Nearness::Far { allowed_meters: 2.0 });
        // 1.24 · √(3² + 4²) = 6.2
        assert_eq!(nearness(8.19, 2.0, Some(3.0), 4.0), Nearness::Uncertain);
        assert!(
            matches!(nearness(8.21, 2.0, Some(3.0), 4.0), Nearness::Far { allowed_meters } if (allowed_meters - 8.2).abs() < 1e-9)
        );
    }

    #[test]
    fn a_fix_that_says_nothing_says_why() {
        let at = DateTime::from_timestamp(1_795_000_000, 0).unwrap();
        let rules = FixRules {
            accuracy_cap_meters: 100.0,
            age: Duration::seconds(30),
        };
        let judged = |change: &dyn Fn(&mut Fix)| {
            let mut one = fix();
            change(&mut one);
            one.usable(at, rules)
        };
        assert_eq!(judged(&|_| {}), Ok(()));
        assert_eq!(judged(&|fix| fix.accuracy_meters = None), Ok(()));
        assert_eq!(judged(&|fix| fix.accuracy_meters = Some(100.0)), Ok(()));
        assert_eq!(
            judged(&|fix| fix.captured_at = Some(at - Duration::seconds(30))),
            Ok(())
        );
        assert_eq!(judged(&|fix| fix.captured_at = Some(at + AHEAD)), Ok(()));
        let second = Duration::seconds(1);
        assert_eq!(judged(&|fix| fix.mocked = true), Err(Unusable::Mocked));
        assert_eq!(
            judged(&|fix| fix.accuracy_meters = Some(0.0)),
            Err(Unusable::AccuracyZero)
        );
        assert_eq!(
            judged(&|fix| fix.accuracy_meters = Some(100.1)),
            Err(Unusable::AccuracyOverCap)
        );
        assert_eq!(
            judged(&|fix| fix.captured_at = Some(at - second * 31)),
            Err(Unusable::TooOld)
        );
        assert_eq!(
            judged(&|fix| fix.captured_at = Some(at + AHEAD + second)),
            Err(Unusable::InTheFuture)
        );
    }
}
