//! Letters: which font a character is of, how wide a text is, where it breaks.

use std::ops::Range;

use krilla::text::{Font, GlyphId, KrillaGlyph};
use rustybuzz::{Direction, Face, Script, ShapePlan, UnicodeBuffer, script};

static REGULAR: &[u8] = include_bytes!("../../assets/fonts/NotoSans-Regular.ttf");
static BOLD: &[u8] = include_bytes!("../../assets/fonts/NotoSans-Bold.ttf");
static DEVANAGARI: &[u8] = include_bytes!("../../assets/fonts/NotoSansDevanagari-Regular.ttf");

/// What does not fit is cut here.
const ELLIPSIS: char = '…';
/// Longer text is cut before it is measured.
const LONGEST: usize = 300;

/// How a text looks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Weight {
    Regular,
    Bold,
}

/// The fonts of a paper.
pub(super) struct Typeface {
    regular: Shaped,
    bold: Shaped,
    /// Has no bold twin.
    devanagari: Shaped,
}

struct Shaped {
    face: Face<'static>,
    font: Font,
    script: Script,
    plan: ShapePlan,
}

/// Letters of one font that stand in a row. Measures are in units of the font's size.
pub(super) struct Run {
    pub(super) font: Font,
    pub(super) text: String,
    pub(super) glyphs: Vec<KrillaGlyph>,
    pub(super) width: f32,
}

impl Shaped {
    fn load(bytes: &'static [u8], script: Script) -> Self {
        // Both read what is compiled in, and every test of this module does it.
        let face = Face::from_slice(bytes, 0).expect("the font in the binary is sound");
        let font = Font::new(bytes.to_vec().into(), 0).expect("the font in the binary is sound");
        let plan = ShapePlan::new(&face, Direction::LeftToRight, Some(script), None, &[]);
        Self {
            face,
            font,
            script,
            plan,
        }
    }

    fn shape(&self, text: &str) -> Run {
        let mut buffer = UnicodeBuffer::new();
        buffer.push_str(text);
        buffer.set_direction(Direction::LeftToRight);
        buffer.set_script(self.script);
        let shaped = rustybuzz::shape_with_plan(&self.face, &self.plan, buffer);
        let (infos, positions) = (shaped.glyph_infos(), shaped.glyph_positions());
        let units = self.font.units_per_em();
        let em = |value: i32| f32::from(i16::try_from(value).unwrap_or(i16::MAX)) / units;
        let mut width = 0.0;
        let mut glyphs = Vec::with_capacity(infos.len());
        for (at, (info, position)) in infos.iter().zip(positions).enumerate() {
            let advance = em(position.x_advance);
            width += advance;
            let begin = info.cluster as usize;
            let later = infos[at..].iter().map(|next| next.cluster as usize);
            let end = later.filter(|cluster| *cluster > begin).min().unwrap_or(text.len());
            let range: Range<usize> = begin..end;
            let (x, y) = (em(position.x_offset), em(position.y_offset));
            let id = GlyphId::new(info.glyph_id);
            glyphs.push(KrillaGlyph::new(id, advance, x, y, em(position.y_advance), range, None));
        }
        Run {
            font: self.font.clone(),
            text: text.to_owned(),
            glyphs,
            width,
        }
    }
}

impl Typeface {
    pub(super) fn load() -> Self {
        Self {
            regular: Shaped::load(REGULAR, script::LATIN),
            bold: Shaped::load(BOLD, script::LATIN),
            devanagari: Shaped::load(DEVANAGARI, script::DEVANAGARI),
        }
    }

    /// A text as rows of letters, each of one font.
    pub(super) fn runs(&self, text: &str, weight: Weight) -> Vec<Run> {
        let mut runs = Vec::new();
        let mut begin = 0;
        let mut is_devanagari = false;
        for (at, letter) in text.char_indices() {
            let differs = match belongs(letter) {
                Belongs::Anywhere => false,
                Belongs::Latin => is_devanagari,
                Belongs::Devanagari => !is_devanagari,
            };
            if differs {
                runs.extend(self.run(&text[begin..at], is_devanagari, weight));
                begin = at;
                is_devanagari = !is_devanagari;
            }
        }
        runs.extend(self.run(&text[begin..], is_devanagari, weight));
        runs
    }

    fn run(&self, text: &str, is_devanagari: bool, weight: Weight) -> Option<Run> {
        if text.is_empty() {
            return None;
        }
        let shaped = match weight {
            _ if is_devanagari => &self.devanagari,
            Weight::Regular => &self.regular,
            Weight::Bold => &self.bold,
        };
        Some(shaped.shape(text))
    }

    /// How wide a text is at size 1.
    pub(super) fn width(&self, text: &str, weight: Weight) -> f32 {
        self.runs(text, weight).iter().map(|run| run.width).sum()
    }

    /// The lines of a text, none wider than `limit`, at most `most`: what is left over then is cut.
    pub(super) fn lines(&self, text: &str, weight: Weight, limit: f32, most: usize) -> Vec<String> {
        let text: String = text.chars().take(LONGEST).collect();
        if self.width(&text, weight) <= limit {
            return vec![text];
        }
        let mut lines = vec![String::new()];
        for word in text.split_whitespace() {
            let line = lines.last_mut().map(std::mem::take).unwrap_or_default();
            lines.pop();
            lines.extend(self.continued(line, word, weight, limit));
            if lines.len() > most {
                break;
            }
        }
        if lines.len() > most {
            lines.truncate(most);
            if let Some(last) = lines.last_mut() {
                *last = self.cut(last, weight, limit);
            }
        }
        lines
    }

    /// A line with one more word: that line, or several where it does not fit.
    fn continued(&self, line: String, word: &str, weight: Weight, limit: f32) -> Vec<String> {
        let longer = if line.is_empty() {
            word.to_owned()
        } else {
            format!("{line} {word}")
        };
        if self.width(&longer, weight) <= limit {
            return vec![longer];
        }
        let mut lines: Vec<String> = (!line.is_empty()).then_some(line).into_iter().collect();
        let mut piece = String::new();
        for cluster in clusters(word) {
            let longer = format!("{piece}{cluster}");
            if !piece.is_empty() && self.width(&longer, weight) > limit {
                lines.push(std::mem::replace(&mut piece, cluster.to_owned()));
            } else {
                piece = longer;
            }
        }
        lines.push(piece);
        lines
    }

    /// A text that goes on, cut so that this shows and fits.
    fn cut(&self, text: &str, weight: Weight, limit: f32) -> String {
        let mut parts = clusters(text);
        loop {
            let cut = format!("{}{ELLIPSIS}", parts.concat().trim_end());
            if parts.pop().is_none() || self.width(&cut, weight) <= limit {
                return cut;
            }
        }
    }
}

enum Belongs {
    Latin,
    Devanagari,
    /// To the font of the letter before it.
    Anywhere,
}

fn belongs(letter: char) -> Belongs {
    match letter {
        '\u{900}'..='\u{97f}' => Belongs::Devanagari,
        ' ' | '.' | '-' | '\u{200c}' | '\u{200d}' => Belongs::Anywhere,
        _ => Belongs::Latin,
    }
}

/// The pieces of a text that are never torn: a letter with its marks, and Devanagari letters that are joined.
fn clusters(text: &str) -> Vec<&str> {
    let mut cuts = vec![0];
    let mut before = ' ';
    for (at, letter) in text.char_indices() {
        let is_mark = matches!(letter,
            '\u{300}'..='\u{36f}' | '\u{900}'..='\u{903}' | '\u{93a}'..='\u{93c}' | '\u{93e}'..='\u{94f}'
            | '\u{951}'..='\u{957}' | '\u{962}'..='\u{963}' | '\u{200c}' | '\u{200d}');
        let is_joined = matches!(before, '\u{94d}' | '\u{200d}');
        if at > 0 && !is_mark && !is_joined {
            cuts.push(at);
        }
        before = letter;
    }
    cuts.push(text.len());
    cuts.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_script_has_its_font() {
        let typeface = Typeface::load();
        let runs = typeface.runs("Asha आशा वर्मा (A)", Weight::Regular);
        let texts: Vec<_> = runs.iter().map(|run| run.text.as_str()).collect();
        assert_eq!(texts, ["Asha ", "आशा वर्मा ", "(A)"]);
        assert!(
            runs.iter()
                .flat_map(|run| &run.glyphs)
                .all(|glyph| glyph.glyph_id.to_u32() != 0)
        );
    }

    #[test]
    fn joined_letters_are_shaped_as_one() {
        let typeface = Typeface::load();
        let runs = typeface.runs("क्ष", Weight::Regular);
        assert_eq!(runs[0].glyphs.len(), 1, "three letters are one sign");
        assert_eq!(runs[0].glyphs[0].text_range, 0.."क्ष".len());
    }

    #[test]
    fn what_does_not_fit_goes_on_below_and_is_cut_at_last() {
        let typeface = Typeface::load();
        let lines = typeface.lines("Venkatanarasimharajuvaripeta Subrahmanyam", Weight::Regular, 10.0, 3);
        assert!(lines.len() > 1);
        assert_eq!(
            lines.concat().replace(' ', ""),
            "VenkatanarasimharajuvaripetaSubrahmanyam"
        );
        let cut = typeface.lines(&"long ".repeat(50), Weight::Regular, 10.0, 2);
        assert_eq!(cut.len(), 2);
        assert!(cut[1].ends_with('…'));
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_its_column(text in "[a-zA-Z \u{905}-\u{939}\u{93e}\u{94d}]{0,120}", limit in 4.0_f32..30.0) {
            let typeface = Typeface::load();
            let lines = typeface.lines(&text, Weight::Bold, limit, 3);
            prop_assert!((1..=3).contains(&lines.len()));
            for line in lines {
                // One piece that is wider than the column by itself cannot be torn.
                prop_assert!(typeface.width(&line, Weight::Bold) <= limit || clusters(&line).len() <= 2, "{line:?}");
            }
        }
    }
}
