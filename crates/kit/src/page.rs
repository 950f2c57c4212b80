//! Pages and sorting of lists.

use proto::types::Page;

use crate::{Fault, fault::Violation};

/// Items on a page when the caller does not say.
const USUAL: u32 = 20;
const MOST: u32 = 100;
/// No list is that long; a page beyond it would overflow the offset.
const LAST_PAGE: u32 = 1_000_000;

/// Which page of a list is wanted. Out of range is refused, never corrected.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Paging {
    page: u32,
    limit: u32,
}

/// In which direction a list runs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Order {
    Ascending,
    Descending,
}

impl Paging {
    pub fn new(page: Option<u32>, limit: Option<u32>) -> Result<Self, Fault> {
        let (page, limit) = (page.unwrap_or(1), limit.unwrap_or(USUAL));
        let mut wrong = Vec::new();
        if !(1..=LAST_PAGE).contains(&page) {
            wrong.push(Violation::new("page", format!("must be between 1 and {LAST_PAGE}")));
        }
        if !(1..=MOST).contains(&limit) {
            wrong.push(Violation::new("limit", format!("must be between 1 and {MOST}")));
        }
        if wrong.is_empty() {
            Ok(Self { page, limit })
        } else {
            Err(Fault::validation(wrong))
        }
    }

    pub fn limit(self) -> u64 {
        u64::from(self.limit)
    }

    pub fn offset(self) -> u64 {
        u64::from(self.page - 1) * u64::from(self.limit)
    }

    /// Where the list stands, given how many items there are in all.
    pub fn of(self, total_items: u64) -> Page {
        let total_pages = total_items.div_ceil(self.limit());
        Page {
            current_page: self.page,
            per_page: self.limit,
            total_pages: u32::try_from(total_pages).unwrap_or(u32::MAX),
            total_items,
        }
    }
}

impl Order {
    /// `asc`, `desc`, or what the list does when the caller does not say.
    pub fn parse(order: Option<&str>, usual: Self) -> Result<Self, Fault> {
        match order {
            None => Ok(usual),
            Some("asc") => Ok(Self::Ascending),
            Some("desc") => Ok(Self::Descending),
            Some(_) => Err(Fault::invalid("order", "must be one of: asc, desc")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_page_may_be_short() {
        let paging = Paging::new(Some(15), Some(20)).unwrap();
        let page = paging.of(287);
        assert_eq!((page.total_pages, page.total_items, paging.offset()), (15, 287, 280));
        assert_eq!(paging.of(0).total_pages, 0);
    }

    #[test]
    fn out_of_range_is_refused_with_every_wrong_field() {
        let fault = Paging::new(Some(0), Some(101)).unwrap_err();
        let fields: Vec<_> = fault.violations.iter().map(|one| one.field.as_str()).collect();
        assert_eq!(fields, ["page", "limit"]);
    }
}
