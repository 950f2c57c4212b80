//! Devices: registered by students, approved by wardens, retired by either; and what a scan that one signed is held against.

pub(crate) mod approve;
pub(crate) mod check;
pub(crate) mod list;
pub(crate) mod register;
pub(crate) mod retire;
