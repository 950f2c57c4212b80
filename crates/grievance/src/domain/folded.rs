//! Text as it is looked for: without regard to case, on every database alike.

/// Letter by letter, so that a part of a text is a part of the folded text, too.
pub fn folded(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn letters_of_all_alphabets_lose_their_case() {
        assert_eq!(folded("ÉCLAIRAGE Ωμέγα ΟΔΟΣ"), "éclairage ωμέγα οδοσ");
    }

    proptest! {
        #[test]
        fn a_part_is_a_part_of_the_whole(before in "\\PC{0,8}", part in "\\PC{1,8}", after in "\\PC{0,8}") {
            let whole = folded(&format!("{before}{part}{after}"));
            prop_assert!(whole.contains(&folded(&part)));
        }
    }
}
