//! Deciding on leaves: of several who decide at once one wins, and the others are told what was decided.

pub(crate) mod decide;
