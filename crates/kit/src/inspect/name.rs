//! Names of files: harmless on every system, and true about what the file is.

use std::fmt;

use super::Kind;

const LONGEST: usize = 120;
/// What common file systems take; some scripts need three bytes a letter.
const LONGEST_BYTES: usize = 240;

/// Endings that say what a file is among those that we keep; a wrong one is replaced, not followed by the right one.
const KNOWN: [&str; 4] = ["pdf", "jpg", "jpeg", "png"];

/// The name under which a document is handed out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FileName(String);

impl FileName {
    /// What a declared name becomes: the last part of a path without what is not seen, ending in what the file is.
    ///
    /// Endings within it (`invoice.pdf.exe`, `page.php.jpg`) lose their dot: some servers and people go by them.
    pub fn of(declared: &str, kind: Kind) -> Self {
        let shown = without_unseen(declared);
        let last = shown.split(['/', '\\']).map(trimmed).rfind(|part| !part.is_empty());
        let (stem, extension) = split_extension(last.unwrap_or_default(), kind);
        let stem: String = stem.chars().map(|c| if is_special(c) { '_' } else { c }).collect();
        let stem = shortened(&without_inner_endings(trimmed(&stem)), extension.len() + 1);
        let stem = match trimmed(&stem) {
            "" => "document".to_owned(),
            stem if is_device(stem) => format!("_{stem}"),
            stem => stem.to_owned(),
        };
        Self(format!("{stem}.{extension}"))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn into_string(self) -> String {
        self.0
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name without its ending, and the ending that it is to have.
fn split_extension(name: &str, kind: Kind) -> (&str, String) {
    let true_one = kind.extension().to_owned();
    let Some((stem, ending)) = name.rsplit_once('.') else {
        return (name, true_one);
    };
    let ending = ending.to_ascii_lowercase();
    if kind == Kind::Jpeg && ending == "jpeg" {
        (stem, ending)
    } else if KNOWN.contains(&ending.as_str()) {
        (stem, true_one)
    } else {
        (name, true_one)
    }
}

/// Control characters go, those that turn the writing around, and those that take no room, but for the joiners within
/// Indian words. White space is one blank.
fn without_unseen(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        let in_indian_word = shown.ends_with(|before| matches!(before, '\u{900}'..='\u{dff}'));
        match c {
            _ if c.is_whitespace() => {
                if !shown.ends_with(' ') {
                    shown.push(' ');
                }
            }
            _ if c.is_control() => {}
            '\u{200c}' | '\u{200d}' if in_indian_word => shown.push(c),
            _ if is_unseen(c) => {}
            _ => shown.push(c),
        }
    }
    shown
}

fn is_unseen(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// What means something to a shell, a file system or a header.
fn is_special(c: char) -> bool {
    matches!(
        c,
        '<' | '>' | ':' | '"' | '|' | '?' | '*' | '/' | '\\' | '%' | ';' | '`' | '$'
    )
}

/// Names neither begin nor end with dots and blanks; joiners at the end join nothing.
fn trimmed(text: &str) -> &str {
    text.trim_matches(|c: char| c == '.' || c.is_whitespace() || matches!(c, '\u{200c}' | '\u{200d}'))
}

/// Takes the dot from what looks like an ending: 2 to 5 letters or digits, at least one of them a letter.
fn without_inner_endings(stem: &str) -> String {
    let mut parts = stem.split('.');
    let mut name = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let ending = (2..=5).contains(&part.len())
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && part.bytes().any(|byte| byte.is_ascii_alphabetic());
        name.push(if ending { '_' } else { '.' });
        name.push_str(part);
    }
    name
}

fn shortened(stem: &str, extension: usize) -> String {
    let mut short = String::new();
    // One place is left for what marks the name of a device.
    for c in stem.chars().take(LONGEST - extension - 1) {
        if short.len() + c.len_utf8() > LONGEST_BYTES - extension - 1 {
            break;
        }
        short.push(c);
    }
    short
}

/// Windows opens a device by these names, whatever their ending.
fn is_device(stem: &str) -> bool {
    let first = stem.split('.').next().unwrap_or_default().trim().to_ascii_uppercase();
    let numbered = |name: &str| {
        first.strip_prefix(name).is_some_and(|number| {
            matches!(
                number,
                "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "¹" | "²" | "³"
            )
        })
    };
    matches!(
        first.as_str(),
        "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$" | "CONIN_" | "CONOUT_"
    ) || numbered("COM")
        || numbered("LPT")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn evil_names_become_harmless() {
        let cases = [
            ("invoice.pdf", "invoice.pdf"),
            ("invoice.PDF", "invoice.pdf"),
            ("invoice.pdf.exe", "invoice_pdf_exe.pdf"),
            ("page.php.pdf", "page_php.pdf"),
            ("photo.png", "photo.pdf"),
            ("Marksheet v1.2", "Marksheet v1.2.pdf"),
            ("A. K. Sharma.pdf", "A. K. Sharma.pdf"),
            ("../../etc/passwd", "passwd.pdf"),
            ("..\\..\\boot.ini", "boot_ini.pdf"),
            ("C:\\fakepath\\aadhaar.pdf", "aadhaar.pdf"),
            ("/", "document.pdf"),
            ("", "document.pdf"),
            ("...", "document.pdf"),
            (".pdf", "pdf.pdf"),
            (".htaccess", "htaccess.pdf"),
            ("a\0.pdf", "a.pdf"),
            ("a.exe\0.pdf", "a_exe.pdf"),
            ("a\r\nSet-Cookie: x=y.pdf", "a Set-Cookie_ x=y.pdf"),
            ("annual\u{202e}fdp.exe", "annualfdp_exe.pdf"),
            ("in\u{200b}vis\u{feff}ible.pdf", "invisible.pdf"),
            ("CON", "_CON.pdf"),
            ("nul.pdf", "_nul.pdf"),
            ("com1.tar.pdf", "com1_tar.pdf"),
            ("LPT¹.pdf", "_LPT¹.pdf"),
            ("aux .x.pdf", "_aux .x.pdf"),
            ("CONIN$.pdf", "_CONIN_.pdf"),
            ("a\"; filename=\"b.exe", "a__ filename=_b_exe.pdf"),
            ("<script>alert(1)</script>.pdf", "script_.pdf"),
            ("%2e%2e%2fpasswd.pdf", "_2e_2e_2fpasswd.pdf"),
            ("trailing. . .", "trailing.pdf"),
            ("आधार कार्ड.pdf", "आधार कार्ड.pdf"),
            ("क्\u{200d}ष.pdf", "क्\u{200d}ष.pdf"),
            ("तमिल தமிழ்.jpeg", "तमिल தமிழ்.pdf"),
        ];
        for (declared, expected) in cases {
            assert_eq!(FileName::of(declared, Kind::Pdf).as_str(), expected, "{declared:?}");
        }
        assert_eq!(FileName::of("me.JPEG", Kind::Jpeg).as_str(), "me.jpeg");
        assert_eq!(FileName::of("me.pdf", Kind::Png).as_str(), "me.png");
    }

    #[test]
    fn long_names_keep_their_ending() {
        let long = FileName::of(&format!("{}.pdf", "a".repeat(500)), Kind::Pdf);
        assert!(long.as_str().chars().count() <= 120 && long.as_str().ends_with("a.pdf"));
        let devanagari = FileName::of(&"आ".repeat(500), Kind::Jpeg);
        assert!(devanagari.as_str().len() <= 240 && devanagari.as_str().ends_with("आ.jpg"));
    }

    proptest! {
        #[test]
        fn every_name_is_harmless_and_stays(declared in "\\PC{0,40}|[./\\\\ :a-c\u{202e}\u{200d}\u{915}\0-\u{1f}]{0,30}|(con|nul|com1)(\\.|\\$)?[a-c.]{0,6}") {
            let name = FileName::of(&declared, Kind::Png);
            let text = name.as_str();
            prop_assert!(text.strip_suffix(".png").is_some() && !text.starts_with('.') && text.chars().count() <= 120);
            prop_assert!(!text.contains(is_special) && !text.contains(char::is_control));
            prop_assert!(!is_device(text), "{text}");
            prop_assert_eq!(FileName::of(text, Kind::Png), name.clone());
        }
    }
}
