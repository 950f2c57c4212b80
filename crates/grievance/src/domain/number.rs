//! Numbers of tickets, by which people speak of them.

use std::fmt;

use uuid::Uuid;

/// `GRV-2026-00001`: the hostel's year, and the how manieth of it. More digits when a year has more than 99,999.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct TicketNumber {
    pub year: i32,
    pub number: i64,
}

/// How a request names a ticket.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TicketRef {
    Id(Uuid),
    Number(TicketNumber),
}

impl TicketNumber {
    /// As people write it, in whatever case; `None` for what is no number of a ticket.
    pub fn parse(text: &str) -> Option<Self> {
        let (prefix, rest) = text.split_at_checked(4)?;
        let (year, number) = rest.split_once('-')?;
        let digits = |text: &str, least| text.len() >= least && text.bytes().all(|byte| byte.is_ascii_digit());
        let fits = prefix.eq_ignore_ascii_case("GRV-") && year.len() == 4 && digits(year, 4) && digits(number, 5);
        // Leading zeros fill five digits and no more: each ticket has one number.
        if !fits || (number.len() > 5 && number.starts_with('0')) {
            return None;
        }
        let number = Self {
            year: year.parse().ok()?,
            number: number.parse().ok()?,
        };
        (number.number > 0).then_some(number)
    }
}

impl TicketRef {
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        if let Ok(id) = kit::id::parse(text) {
            return Ok(Self::Id(id));
        }
        let number = TicketNumber::parse(text).map(Self::Number);
        number.ok_or("must be a number like GRV-2026-00001, or a UUID")
    }
}

impl fmt::Display for TicketNumber {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "GRV-{:04}-{:05}", self.year, self.number)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_number_has_five_digits_until_they_are_too_few() {
        let text = |number| TicketNumber { year: 2026, number }.to_string();
        assert_eq!(text(1), "GRV-2026-00001");
        assert_eq!(text(99_999), "GRV-2026-99999");
        assert_eq!(text(100_000), "GRV-2026-100000");
    }

    #[test]
    fn what_looks_like_a_number_and_is_none_is_refused() {
        for wrong in [
            "",
            "GRV",
            "GRV-2026-0001",
            "GRV-2026-000001",
            "GRV-2026-00000",
            "GRV-226-00001",
            "GRV-2026-+0001",
            "GRV-2026-99999999999999999999",
            "GRV 2026-00001",
            "GRÜ-2026-00001",
        ] {
            assert_eq!(TicketNumber::parse(wrong), None, "{wrong:?}");
        }
        assert!(TicketRef::parse(" grv-2026-00001 ").is_ok());
        assert!(TicketRef::parse("0198f1d2-7c3a-7b4e-9f60-2a1b3c4d5e6f").is_ok());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(year in 1970..=9999i32, number in 1..=i64::MAX) {
            let number = TicketNumber { year, number };
            prop_assert_eq!(TicketNumber::parse(&number.to_string()), Some(number));
            prop_assert_eq!(TicketNumber::parse(&number.to_string().to_lowercase()), Some(number));
        }
    }
}
