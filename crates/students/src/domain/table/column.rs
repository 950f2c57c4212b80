//! The columns of a table of students.

use std::fmt;

/// A column by its name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Column {
    Email,
    RegistrationNo,
    Name,
    Phone,
    ParentPhone,
    Address,
    Year,
    Semester,
    Room,
    /// Only ever read.
    Password,
}

impl Column {
    pub const ALL: [Self; 10] = [
        Self::Email,
        Self::RegistrationNo,
        Self::Name,
        Self::Phone,
        Self::ParentPhone,
        Self::Address,
        Self::Year,
        Self::Semester,
        Self::Room,
        Self::Password,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::RegistrationNo => "registration_no",
            Self::Name => "name",
            Self::Phone => "phone",
            Self::ParentPhone => "parent_phone",
            Self::Address => "address",
            Self::Year => "year",
            Self::Semester => "semester",
            Self::Room => "room",
            Self::Password => "password",
        }
    }

    /// Whether every file must have it.
    pub fn is_required(self) -> bool {
        !matches!(self, Self::Address | Self::Room | Self::Password)
    }

    /// The column of a header's cell, written as people do: `Registration No`, `PARENT-PHONE`.
    pub(super) fn of_header(cell: &str) -> Option<Self> {
        let name = cell.trim().to_lowercase().replace([' ', '-'], "_");
        Self::ALL.into_iter().find(|column| column.name() == name)
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What stands in a row, by column. What is empty was not given.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Cells([String; Column::ALL.len()]);

impl Cells {
    pub fn get(&self, column: Column) -> &str {
        &self.0[column as usize]
    }

    pub fn set(&mut self, column: Column, text: impl Into<String>) {
        self.0[column as usize] = text.into();
    }

    #[must_use]
    pub fn with(mut self, column: Column, text: impl Into<String>) -> Self {
        self.set(column, text);
        self
    }
}

/// Tells which cells there are, not what stands in them: they are about people, and one is a password.
impl fmt::Debug for Cells {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let given = Column::ALL.into_iter().filter(|column| !self.get(*column).is_empty());
        f.debug_tuple("Cells").field(&given.collect::<Vec<_>>()).finish()
    }
}

/// All that is wrong with a header, at once.
#[derive(Clone, Debug, Default, Eq, PartialEq, thiserror::Error)]
pub struct WrongColumns {
    pub missing: Vec<Column>,
    pub unknown: Vec<String>,
    pub repeated: Vec<Column>,
}

impl WrongColumns {
    pub(super) fn is_nothing(&self) -> bool {
        self.missing.is_empty() && self.unknown.is_empty() && self.repeated.is_empty()
    }
}

impl fmt::Display for WrongColumns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |columns: &[Column]| {
            columns
                .iter()
                .map(|column| column.name())
                .collect::<Vec<_>>()
                .join(", ")
        };
        let mut parts = Vec::new();
        if !self.missing.is_empty() {
            parts.push(format!("missing columns: {}", names(&self.missing)));
        }
        if !self.unknown.is_empty() {
            parts.push(format!("unknown columns: {}", self.unknown.join(", ")));
        }
        if !self.repeated.is_empty() {
            parts.push(format!("columns that are there twice: {}", names(&self.repeated)));
        }
        parts.push(format!("known columns: {}", names(&Column::ALL)));
        f.write_str(&parts.join("; "))
    }
}
