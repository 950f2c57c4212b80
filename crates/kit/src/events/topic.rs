//! Topic patterns as AMQP knows them: words between dots, `*` stands for one word, `#` for any number of words.

/// Whether an event's type falls under a pattern.
pub(super) fn matches(pattern: &str, kind: &str) -> bool {
    let pattern: Vec<&str> = pattern.split('.').collect();
    let words: Vec<&str> = kind.split('.').collect();
    let (mut at_pattern, mut at_word) = (0, 0);
    // The last `#` seen and the word up to which it reaches: where the search goes on when the rest does not fit.
    let mut last_hash: Option<(usize, usize)> = None;
    while at_word < words.len() {
        match pattern.get(at_pattern) {
            Some(&"#") => {
                last_hash = Some((at_pattern, at_word));
                at_pattern += 1;
            }
            Some(&wanted) if wanted == "*" || wanted == words[at_word] => {
                at_pattern += 1;
                at_word += 1;
            }
            _ => {
                let Some((hash, reach)) = last_hash else {
                    return false;
                };
                last_hash = Some((hash, reach + 1));
                (at_pattern, at_word) = (hash + 1, reach + 1);
            }
        }
    }
    pattern[at_pattern..].iter().all(|rest| *rest == "#")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The rule as it is told, without thought for cost.
    fn told(pattern: &[String], words: &[String]) -> bool {
        match (pattern.first().map(String::as_str), words.first()) {
            (None, None) => true,
            (Some("#"), _) => (0..=words.len()).any(|skipped| told(&pattern[1..], &words[skipped..])),
            (None, Some(_)) | (Some(_), None) => false,
            (Some(wanted), Some(word)) => (wanted == "*" || wanted == word) && told(&pattern[1..], &words[1..]),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]
        #[test]
        fn agrees_with_the_rule_as_it_is_told(
            pattern in prop::collection::vec("[ab#*]", 1..7),
            words in prop::collection::vec("[ab]", 1..7),
        ) {
            prop_assert_eq!(matches(&pattern.join("."), &words.join(".")), told(&pattern, &words));
        }
    }

    #[test]
    fn examples() {
        assert!(matches("#", "hostelpulse.user.created.v1"));
        assert!(matches("hostelpulse.user.#", "hostelpulse.user.created.v1"));
        assert!(matches("hostelpulse.*.created.*", "hostelpulse.user.created.v1"));
        assert!(!matches("hostelpulse.user", "hostelpulse.user.created.v1"));
        assert!(!matches("hostelpulse.leave.#", "hostelpulse.user.created.v1"));
    }
}
