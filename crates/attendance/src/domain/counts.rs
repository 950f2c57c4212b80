//! How many students of a roll call were there.

use super::MarkStatus;

/// Who was there, and who not.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    pub present: u32,
    pub absent: u32,
    pub excused: u32,
    pub pending: u32,
    /// Scans that wait for the guard's word; their students are counted above as they stand now.
    pub awaiting: u32,
}

impl Counts {
    /// Everybody: who is expected, and who was marked though not expected any more.
    pub fn total(self) -> u32 {
        self.present + self.absent + self.excused + self.pending
    }

    /// Counts so many more students who stand like this.
    pub fn add(&mut self, status: MarkStatus, number: u32) {
        match status {
            MarkStatus::Present => self.present += number,
            MarkStatus::Absent => self.absent += number,
            MarkStatus::Excused => self.excused += number,
            MarkStatus::Pending => self.pending += number,
        }
    }
}
