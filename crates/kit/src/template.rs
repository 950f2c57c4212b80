//! Texts and pages for people, with `{{name}}` where a value goes.

/// A placeholder's name and what stands in its place.
pub type Value<'a> = (&'static str, &'a str);

/// A plain text with its values.
pub fn text(template: &str, values: &[Value<'_>]) -> String {
    fill(template, values, visible)
}

/// An HTML document with its values, which stay text: no value adds a tag or ends an attribute.
pub fn html(template: &str, values: &[Value<'_>]) -> String {
    fill(template, values, |value| escaped(&visible(value)))
}

/// The names of a template's placeholders, in their order.
pub fn placeholders(template: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut rest = template;
    while let Some((_, (name, after))) = next_placeholder(rest) {
        names.push(name);
        rest = after;
    }
    names
}

/// The template with its values. A value is written down and not read again: one that looks like a placeholder stays as it is.
fn fill(template: &str, values: &[Value<'_>], written: impl Fn(&str) -> String) -> String {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, (name, after))) = next_placeholder(rest) {
        filled.push_str(before);
        let value = values.iter().find(|(known, _)| *known == name);
        filled.push_str(&value.map(|(_, value)| written(value)).unwrap_or_default());
        rest = after;
    }
    filled + rest
}

fn next_placeholder(template: &str) -> Option<(&str, (&str, &str))> {
    let (before, rest) = template.split_once("{{")?;
    Some((before, rest.split_once("}}")?))
}

/// The value without what ends lines, hides text or turns its direction round.
fn visible(value: &str) -> String {
    let odd = |c: char| c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    value.chars().filter(|c| !odd(*c)).collect()
}

fn escaped(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PAGE: &str = "<p title=\"{{name}}\">Hello {{name}}, {{day}}</p>";

    #[test]
    fn values_stand_where_their_names_do() {
        let values = [("name", "Asha"), ("day", "today")];
        assert_eq!(text("{{name}}: {{day}}, {{none}}.", &values), "Asha: today, .");
        assert_eq!(placeholders(PAGE), ["name", "name", "day"]);
        assert_eq!(text("{{ or }}", &values), "");
        assert_eq!(text("{{ and no end", &values), "{{ and no end");
    }

    #[test]
    fn a_value_does_no_harm() {
        let values = [("name", "<b>'&\"</b>\r\n\u{202e}"), ("day", "{{name}}")];
        let expected =
            "<p title=\"&lt;b&gt;&#39;&amp;&quot;&lt;/b&gt;\">Hello &lt;b&gt;&#39;&amp;&quot;&lt;/b&gt;, {{name}}</p>";
        assert_eq!(html(PAGE, &values), expected);
        assert_eq!(text("{{name}}|{{day}}", &values), "<b>'&\"</b>|{{name}}");
    }

    proptest! {
        #[test]
        fn no_value_adds_a_line_or_a_tag(name in any::<String>()) {
            let values = [("name", name.as_str()), ("day", "today")];
            prop_assert_eq!(html(PAGE, &values).matches(['<', '>', '"']).count(), PAGE.matches(['<', '>', '"']).count());
            prop_assert_eq!(text("a {{name}} b", &values).lines().count(), 1);
        }
    }
}
