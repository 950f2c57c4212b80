//! Which passwords are among the first that anybody tries.
//!
//! Three files say it: whole passwords, and words with the endings that people put behind them. Beside them stand two rules,
//! for what no list can hold: a short piece repeated, and a walk along the keyboard or the alphabet.

use std::{collections::HashSet, sync::LazyLock};

const PASSWORDS: &str = include_str!("common_passwords.txt");
const WORDS: &str = include_str!("common_words.txt");
const ENDINGS: &str = include_str!("common_endings.txt");
/// The years that people are born in, begin and finish in.
const YEARS: std::ops::RangeInclusive<u32> = 1950..=2049;
const LONGEST_ENDING: usize = 10;
/// A piece of so many characters counts as repeated; a longer one only when it is a common word.
const SHORT_PIECE: usize = 4;
const WALKS: [&str; 5] = [
    "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz",
    "12345678901234567890123456789012345678901234567890",
    "qwertyuiopasdfghjklzxcvbnmqwertyuiop",
    "qwertyuiop[]asdfghjkl;'zxcvbnm,./",
    "qazwsxedcrfvtgbyhnujmikolp",
];

static COMMON: LazyLock<Common> = LazyLock::new(Common::read);

/// The lists, read once.
struct Common {
    passwords: HashSet<&'static str>,
    words: HashSet<String>,
    endings: HashSet<String>,
    walks: Vec<String>,
}

/// Whether the password is among the first that anybody tries, whatever its case.
pub(super) fn is_common(password: &str) -> bool {
    COMMON.holds(&password.to_lowercase())
}

impl Common {
    fn read() -> Self {
        let mut endings: HashSet<String> = entries(ENDINGS).map(str::to_owned).collect();
        for year in YEARS {
            endings.insert(year.to_string());
            for sign in ['@', '#', '!', '_', '-', '.', '$', '*'] {
                endings.extend([format!("{sign}{year}"), format!("{year}{sign}")]);
            }
        }
        let walks = WALKS
            .iter()
            .flat_map(|walk| [(*walk).to_owned(), walk.chars().rev().collect()]);
        Self {
            passwords: PASSWORDS.lines().collect(),
            words: entries(WORDS).map(plain).collect(),
            endings,
            walks: walks.collect(),
        }
    }

    fn holds(&self, folded: &str) -> bool {
        self.passwords.contains(folded)
            || self.is_word_with_ending(folded)
            || self.is_repeated(folded)
            || self.walks.iter().any(|walk| walk.contains(folded))
    }

    fn is_word_with_ending(&self, folded: &str) -> bool {
        if self.words.contains(&plain(folded)) {
            return true;
        }
        let shortest_word = folded.len().saturating_sub(LONGEST_ENDING).max(1);
        let places = (shortest_word..folded.len()).filter_map(|place| folded.split_at_checked(place));
        let mut with_known_ending = places.filter(|(_, ending)| self.endings.contains(*ending));
        with_known_ending.any(|(word, _)| self.words.contains(&plain(word)))
    }

    /// The password is one piece, again and again; the last one may be cut short.
    fn is_repeated(&self, folded: &str) -> bool {
        let characters: Vec<char> = folded.chars().collect();
        let is_repeated_after =
            |length: usize| characters[length..].iter().eq(&characters[..characters.len() - length]);
        let mut lengths = (1..=characters.len() / 2).filter(|length| is_repeated_after(*length));
        lengths.any(|length| {
            let piece: String = characters[..length].iter().collect();
            length <= SHORT_PIECE || self.passwords.contains(&*piece) || self.is_word_with_ending(&piece)
        })
    }
}

/// The entries of a list; what begins with `# ` is a remark.
fn entries(list: &'static str) -> impl Iterator<Item = &'static str> {
    let lines = list.lines().filter(|line| !line.starts_with("# "));
    lines.flat_map(str::split_whitespace)
}

/// A word without its disguise: digits and signs read as the letters that they look like, and `l` as `i`, because both look
/// like `1`.
fn plain(word: &str) -> String {
    let letter = |c| match c {
        '@' | '4' => 'a',
        '3' => 'e',
        '1' | '!' | 'l' | '|' => 'i',
        '0' => 'o',
        '5' | '$' => 's',
        '7' => 't',
        other => other,
    };
    word.chars().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every password that the lists stand for.
    fn all() -> impl Iterator<Item = String> {
        let words = entries(WORDS).collect::<HashSet<_>>().into_iter();
        let combined = words.flat_map(|word| COMMON.endings.iter().map(move |ending| format!("{word}{ending}")));
        combined.chain(PASSWORDS.lines().map(str::to_owned))
    }

    #[test]
    fn the_lists_are_in_order() {
        for entry in PASSWORDS.lines().chain(entries(WORDS)).chain(entries(ENDINGS)) {
            assert!(!entry.is_empty() && entry == entry.trim(), "{entry:?}");
            assert_eq!(entry, entry.to_lowercase());
        }
        // A line that begins like a remark is none by mistake.
        let remarks = [WORDS, ENDINGS].map(|list| list.lines().filter(|line| line.starts_with("# ")).count());
        assert_eq!(remarks, [4, 1]);
        assert!(COMMON.endings.iter().all(|ending| ending.len() <= LONGEST_ENDING));
    }

    #[test]
    fn there_are_thousands_under_either_policy_and_each_is_found() {
        let special = |c: char| !c.is_alphanumeric();
        let composed = |text: &&String| text.contains(|c: char| c.is_ascii_digit()) && text.contains(special);
        let long: Vec<String> = all().filter(|text| text.chars().count() >= 8).collect();
        assert!(long.iter().filter(composed).count() >= 3_000);
        assert!(long.iter().filter(|text| text.chars().count() >= 15).count() >= 3_000);
        // Every tenth is enough to know, and the rest is the same code.
        for text in long.iter().step_by(10) {
            let mut capital = text.clone();
            capital[..1].make_ascii_uppercase();
            assert!(is_common(&capital), "{capital}");
        }
    }

    #[test]
    fn disguises_repetitions_and_walks() {
        for bad in [
            "P@ssw0rd!",
            "P@$$W0RD@123",
            "Adm1n@2026",
            "We1come#123",
            "Hostel@2025",
            "aaaaaaaaaaaaaaaa",
            "Ab1!Ab1!Ab1!",
            "passwordpassword",
            "monkey123monkey123",
            "abcdefghijklmnop",
            "12345678901234567890",
            "0987654321098765",
            "poiuytrewq",
            "कककककककककककककककक",
        ] {
            assert!(is_common(bad), "{bad}");
        }
    }

    #[test]
    fn what_only_contains_a_common_word_is_not_common() {
        for good in [
            "Demo@1234",
            "Gate#2026x",
            "monkey sees the copper moon",
            "Tiger-lily7pond",
            "dragonfruitandlime",
            "9Password!zebra",
            "A1!aaaaa",
        ] {
            assert!(!is_common(good), "{good}");
        }
    }
}
