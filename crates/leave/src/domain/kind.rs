//! What a leave is for.

/// What a leave is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash)]
pub enum LeaveType {
    Home,
    Medical,
    Academic,
    Emergency,
    Other,
}

impl LeaveType {
    pub const ALL: [Self; 5] = [Self::Home, Self::Medical, Self::Academic, Self::Emergency, Self::Other];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Home => "home",
            Self::Medical => "medical",
            Self::Academic => "academic",
            Self::Emergency => "emergency",
            Self::Other => "other",
        }
    }

    pub fn parse(text: &str) -> Result<Self, &'static str> {
        Self::ALL
            .into_iter()
            .find(|known| known.as_str() == text)
            .ok_or("must be one of: home, medical, academic, emergency, other")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read_as_they_are_written() {
        for known in LeaveType::ALL {
            assert_eq!(LeaveType::parse(known.as_str()), Ok(known));
        }
        for wrong in ["", "Home", "sick", "home "] {
            assert!(LeaveType::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
