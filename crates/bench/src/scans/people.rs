//! Who scans, and where.

use kit::Clock;
use students::Beginning;
use uuid::Uuid;

use crate::hostel;

/// Everybody of the measurement.
pub(super) struct People {
    pub beginning: Beginning,
    pub scanners: Vec<Scanner>,
}

/// A student who scans, standing where the display of their block stands.
pub(super) struct Scanner {
    pub id: Uuid,
    pub block: String,
    pub year: u32,
    pub latitude: f64,
    pub longitude: f64,
}

impl People {
    pub(super) fn of(students: usize) -> Self {
        let beginning = hostel::of(students, &Clock::system());
        let scanner = |student: &students::NewStudent| {
            let (name, _) = student.room.as_ref()?;
            let block = beginning.blocks.iter().find(|block| block.name == *name)?;
            Some(Scanner {
                id: student.id,
                block: name.clone(),
                year: student.year,
                latitude: block.latitude,
                longitude: block.longitude,
            })
        };
        let scanners = beginning.students.iter().filter_map(scanner).collect();
        Self { beginning, scanners }
    }
}
