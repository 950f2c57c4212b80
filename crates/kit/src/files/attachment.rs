//! The name under which somebody saves a file, as the header `content-disposition`.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What may stand as it is in `filename*` (RFC 8187).
const EXACT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// What file systems take for a name.
const LONGEST: usize = 255;
/// A name of which nothing is left.
const NAMELESS: &str = "download";

/// `attachment` with the name twice (RFC 6266): in plain ASCII for old clients, exactly for all others.
///
/// The name is somebody's input. What is left of it is one visible name: no folders, nothing that hides it or turns the
/// reading direction around, so that `photo\u{202e}gpj.exe` shows what it ends with.
pub fn attachment(file_name: &str) -> String {
    let name = visible(file_name);
    let plain = |character: char| character.is_ascii_alphanumeric() || "._- ".contains(character);
    let fallback: String = name
        .chars()
        .map(|character| if plain(character) { character } else { '_' })
        .collect();
    let exact = utf8_percent_encode(&name, EXACT);
    format!("attachment; filename=\"{fallback}\"; filename*=UTF-8''{exact}")
}

fn visible(file_name: &str) -> String {
    let name = file_name.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = name.chars().filter(|character| !is_hidden(*character)).collect();
    // A name that begins with a dot is hidden, and one that ends with it is cut by Windows: `a.exe.` would be `a.exe`.
    let trimmed = name.trim_matches(|character: char| character == '.' || character.is_whitespace());
    if trimmed.is_empty() {
        return NAMELESS.to_owned();
    }
    shortened(trimmed)
}

/// Cuts the middle: the ending says what a file is.
fn shortened(name: &str) -> String {
    if name.len() <= LONGEST {
        return name.to_owned();
    }
    let ending = name.rfind('.').map_or("", |dot| &name[dot..]);
    let ending = if ending.len() <= 16 { ending } else { "" };
    let mut cut = LONGEST - ending.len();
    while !name.is_char_boundary(cut) {
        cut -= 1;
    }
    format!("{}{ending}", &name[..cut])
}

/// Control characters, those that turn the reading direction, ends of lines and paragraphs, and the mark of byte order.
/// Joiners stay: names in Indian scripts are written with them.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use percent_encoding::percent_decode_str;
    use proptest::prelude::*;

    use super::*;

    /// Both names of a header, which has no room for anything else.
    fn names(header: &str) -> (String, String) {
        let rest = header.strip_prefix("attachment; filename=\"").unwrap();
        let (plain, exact) = rest.split_once("\"; filename*=UTF-8''").unwrap();
        assert!(
            plain
                .chars()
                .all(|one| one.is_ascii_alphanumeric() || "._- ".contains(one)),
            "{plain:?}"
        );
        let token = |one: char| one.is_ascii_alphanumeric() || "%-._~".contains(one);
        assert!(exact.chars().all(token), "{exact:?}");
        let exact = percent_decode_str(exact).decode_utf8().unwrap().into_owned();
        (plain.to_owned(), exact)
    }

    #[test]
    fn names_are_given_twice() {
        assert_eq!(
            attachment("हि 1.pdf"),
            "attachment; filename=\"__ 1.pdf\"; filename*=UTF-8''%E0%A4%B9%E0%A4%BF%201.pdf"
        );
    }

    #[test]
    fn evil_names_become_one_visible_name() {
        for (evil, plain, exact) in [
            ("report.csv", "report.csv", "report.csv"),
            ("", "download", "download"),
            (".", "download", "download"),
            ("..", "download", "download"),
            (" . ", "download", "download"),
            ("/", "download", "download"),
            ("a/", "download", "download"),
            ("../../etc/passwd", "passwd", "passwd"),
            ("..\\..\\windows\\win.ini", "win.ini", "win.ini"),
            ("C:\\fakepath\\a.png", "a.png", "a.png"),
            ("/\\/..\\.a", "a", "a"),
            (".htaccess", "htaccess", "htaccess"),
            ("a.exe. ", "a.exe", "a.exe"),
            ("a\"; filename=\"b.exe", "a__ filename__b.exe", "a\"; filename=\"b.exe"),
            ("a\r\nset-cookie: x=1", "aset-cookie_ x_1", "aset-cookie: x=1"),
            ("a\nb\u{0}c\u{7f}\u{85}d.pdf", "abcd.pdf", "abcd.pdf"),
            ("%2e%2e%2fa.pdf", "_2e_2e_2fa.pdf", "%2e%2e%2fa.pdf"),
            ("a'b''c.pdf", "a_b__c.pdf", "a'b''c.pdf"),
            ("a;b,c=d.pdf", "a_b_c_d.pdf", "a;b,c=d.pdf"),
            ("<script>alert(1)</script>.png", "script_.png", "script>.png"),
            ("=?utf-8?q?a?=.pdf", "__utf-8_q_a__.pdf", "=?utf-8?q?a?=.pdf"),
            ("photo\u{202e}gpj.exe", "photogpj.exe", "photogpj.exe"),
            ("\u{2066}a\u{2069}\u{200f}.pdf", "a.pdf", "a.pdf"),
            ("\u{feff}a\u{2028}b\u{2029}.pdf", "ab.pdf", "ab.pdf"),
            ("a\tb.pdf", "ab.pdf", "ab.pdf"),
            ("\u{a0}a.pdf\u{3000}", "a.pdf", "a.pdf"),
            ("र\u{94d}\u{200d}य.pdf", "____.pdf", "र\u{94d}\u{200d}य.pdf"),
            ("😀.pdf", "_.pdf", "😀.pdf"),
            ("é.csv", "_.csv", "é.csv"),
        ] {
            let said = names(&attachment(evil));
            assert_eq!(said, (plain.to_owned(), exact.to_owned()), "{evil:?}");
        }
    }

    #[test]
    fn long_names_keep_their_ending() {
        let (plain, _) = names(&attachment(&format!("{}.pdf", "a".repeat(4000))));
        assert_eq!(plain, format!("{}.pdf", "a".repeat(251)));
        let (_, exact) = names(&attachment(&format!("{}.pdf", "हि".repeat(1000))));
        assert!(
            exact.len() <= 255 && exact.starts_with("हि") && exact.contains(".pdf"),
            "{exact}"
        );
        let (plain, _) = names(&attachment(&format!("a.{}", "b".repeat(4000))));
        assert_eq!(plain.len(), 255);
    }

    proptest! {
        #[test]
        fn no_name_breaks_out_of_its_header(name: String) {
            let (plain, exact) = names(&attachment(&name));
            prop_assert!(!plain.is_empty() && !exact.is_empty() && exact.len() <= 255);
            prop_assert!(!exact.contains(['/', '\\']) && !exact.chars().any(is_hidden));
            prop_assert!(!exact.starts_with('.'));
        }
    }
}
