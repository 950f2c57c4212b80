//! What letters say: the templates, and how they are filled.

use kit::{
    mail,
    template::{self, Value},
};
use uuid::Uuid;

/// What a kind of letter says, with `{{name}}` where a value goes.
pub(super) struct Template {
    subject: &'static str,
    text: &'static str,
    html: &'static str,
}

pub(super) const RESET: Template = Template {
    subject: "{{product}}: your code for a new password",
    text: include_str!("../../../templates/reset.txt"),
    html: include_str!("../../../templates/reset.html"),
};

pub(super) const INVITATION: Template = Template {
    subject: "{{product}}: an account for you",
    text: include_str!("../../../templates/invitation.txt"),
    html: include_str!("../../../templates/invitation.html"),
};

pub(super) const TOKEN_REUSED: Template = Template {
    subject: "{{product}}: one of your sessions was ended",
    text: include_str!("../../../templates/token_reused.txt"),
    html: include_str!("../../../templates/token_reused.html"),
};

impl Template {
    pub(super) fn write(&self, id: Uuid, to: &str, values: &[Value<'_>]) -> mail::Letter {
        mail::Letter {
            id,
            to: to.to_owned(),
            subject: template::text(self.subject, values),
            text: template::text(self.text, values),
            html: Some(template::html(self.html, values)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values(name: &str) -> [Value<'_>; 7] {
        [
            ("product", "HostelPulse"),
            ("name", name),
            ("code", "123456"),
            ("minutes", "10"),
            ("place", "at https://hostel.example.org"),
            ("device", "Firefox on Linux"),
            ("ip", "203.0.113.9"),
        ]
    }

    fn write(template: &Template, name: &str) -> mail::Letter {
        template.write(Uuid::from_u128(7), "asha@hostel.example", &values(name))
    }

    #[test]
    fn every_placeholder_of_every_template_is_filled() {
        let known: Vec<_> = values("").iter().map(|(name, _)| *name).collect();
        for one in [RESET, INVITATION, TOKEN_REUSED] {
            for part in [one.subject, one.text, one.html] {
                for name in template::placeholders(part) {
                    assert!(known.contains(&name), "{name} in {part}");
                }
            }
            let letter = write(&one, "Asha");
            for part in [&letter.subject, &letter.text, letter.html.as_ref().unwrap()] {
                assert!(!part.contains("{{") && !part.contains("}}"), "{part}");
            }
        }
    }

    #[test]
    fn a_code_is_the_only_number_of_six_digits() {
        for template in [RESET, INVITATION] {
            let letter = write(&template, "Asha");
            for part in [letter.text, letter.html.unwrap()] {
                let numbers = part.split(|c: char| !c.is_ascii_digit()).filter(|run| run.len() == 6);
                assert_eq!(numbers.collect::<Vec<_>>(), ["123456"]);
            }
        }
    }

    #[test]
    fn a_name_does_no_harm() {
        let letter = write(
            &RESET,
            "<script>alert('x')</script> & \"co\" {{code}} {{\r\nBcc: x\u{202e}",
        );
        let html = letter.html.unwrap();
        assert!(!html.contains("<script"), "{html}");
        assert!(
            html.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;co&quot; {{code}} {{Bcc: x,"),
            "{html}"
        );
        assert_eq!(html.matches("123456").count(), 1);
        assert!(
            letter
                .text
                .starts_with("Hello <script>alert('x')</script> & \"co\" {{code}} {{Bcc: x,\n")
        );
        assert_eq!(letter.text.matches("123456").count(), 1);
    }

    proptest! {
        #[test]
        fn no_name_adds_a_line_or_a_tag(name in any::<String>()) {
            let (odd, plain) = (write(&INVITATION, &name), write(&INVITATION, "Asha"));
            prop_assert_eq!(odd.text.lines().count(), plain.text.lines().count());
            prop_assert_eq!(odd.html.unwrap().matches('<').count(), plain.html.unwrap().matches('<').count());
        }
    }

    #[test]
    fn a_whole_letter() {
        let letter = write(&RESET, "Asha Verma");
        insta::assert_snapshot!(letter.subject, @"HostelPulse: your code for a new password");
        insta::assert_snapshot!(letter.text, @r#"
        Hello Asha Verma,

        somebody, most likely you, asked to set a new password for your account at HostelPulse. This is your code:

            123456

        Go to "Forgot password" at https://hostel.example.org and enter it within 10 minutes, together with your new password. The code works once; if you ask for another one, this one no longer works.

        If it was not you, there is nothing to do: without the code your password stays as it is. Nobody of HostelPulse will ever ask you for this code.
        "#);
        insta::assert_snapshot!(letter.html.unwrap(), @r#"
        <!doctype html>
        <html lang="en">
        <head><meta charset="utf-8"><title>Your code</title></head>
        <body style="font-family: sans-serif; line-height: 1.5; max-width: 36em">
        <p>Hello Asha Verma,</p>
        <p>somebody, most likely you, asked to set a new password for your account at HostelPulse. This is your code:</p>
        <p style="font-family: monospace; font-size: 2em">123456</p>
        <p>Go to &ldquo;Forgot password&rdquo; at https://hostel.example.org and enter it within 10 minutes, together with your new password.
        The code works once; if you ask for another one, this one no longer works.</p>
        <p>If it was not you, there is nothing to do: without the code your password stays as it is. Nobody of HostelPulse will
        ever ask you for this code.</p>
        </body>
        </html>
        "#);
    }
}
