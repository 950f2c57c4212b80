//! A letter as an RFC 5322 message.

use lettre::{
    Address, Message,
    message::{Mailbox, MultiPart, SinglePart},
};

use super::{Letter, PORT};
use crate::{
    Clock,
    port::{OpenError, Parameters, PortError},
};

const DEFAULT_SENDER: &str = "hostelpulse@localhost";

/// The sender that the URL names: `address` or `Name <address>`.
pub(super) fn sender(given: &Parameters<'_>) -> Result<Mailbox, OpenError> {
    let text = given.get("from").unwrap_or(DEFAULT_SENDER);
    let expected = "an address, or a name and an address: Name <name@example.org>";
    if text.contains(char::is_control) {
        return Err(given.wrong("from", expected));
    }
    text.parse().map_err(|_| given.wrong("from", expected))
}

/// The message; nothing in the letter can add a header or a recipient to it.
pub(super) fn message(letter: &Letter, from: &Mailbox, clock: &Clock) -> Result<Message, PortError> {
    if letter.to.contains(char::is_control) {
        return Err(refused("the address holds a control character"));
    }
    if letter.subject.contains(char::is_control) {
        return Err(refused("the subject holds a control character"));
    }
    let to: Address = letter.to.parse().map_err(|_| refused("the address is not valid"))?;
    let head = Message::builder()
        .message_id(Some(format!("<{}@{}>", letter.id, from.email.domain())))
        .date(clock.now().into())
        .from(from.clone())
        .to(Mailbox::new(None, to))
        .subject(letter.subject.clone());
    let built = match &letter.html {
        Some(html) => head.multipart(MultiPart::alternative_plain_html(letter.text.clone(), html.clone())),
        None => head.singlepart(SinglePart::plain(letter.text.clone())),
    };
    built.map_err(|error| refused(&error.to_string()))
}

fn refused(why: &str) -> PortError {
    PortError::Refused {
        port: PORT,
        why: why.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn letter(to: &str, subject: &str) -> Letter {
        Letter {
            id: Uuid::from_u128(7),
            to: to.to_owned(),
            subject: subject.to_owned(),
            text: "Your code is 123456\n".to_owned(),
            html: None,
        }
    }

    fn written(letter: &Letter) -> Result<String, PortError> {
        let clock = Clock::mock(DateTime::from_timestamp(1_790_000_000, 0).unwrap());
        let from = "Hostel <desk@example.org>".parse().unwrap();
        let message = message(letter, &from, &clock)?;
        Ok(String::from_utf8(message.formatted()).unwrap())
    }

    #[test]
    fn a_letter_becomes_a_message() {
        let message = written(&letter("asha@example.org", "Your code")).unwrap();
        insta::assert_snapshot!(message.replace("\r\n", "\n"), @"
        Message-ID: <00000000-0000-0000-0000-000000000007@example.org>
        Date: Mon, 21 Sep 2026 14:13:20 +0000
        From: Hostel <desk@example.org>
        To: asha@example.org
        Subject: Your code
        MIME-Version: 1.0
        Content-Type: text/plain; charset=utf-8
        Content-Transfer-Encoding: 7bit

        Your code is 123456
        ");
    }

    #[test]
    fn a_letter_that_would_inject_is_refused() {
        for to in [
            "a@example.org\r\nBcc: b@example.org",
            "a@example.org\n",
            "a@example.org, b@example.org",
            "a@example.org>\r\nRCPT TO:<b@example.org",
            "A <a@example.org>",
            "",
        ] {
            let refused = written(&letter(to, "x"));
            assert!(matches!(refused, Err(PortError::Refused { .. })), "{to:?}");
        }
        for subject in ["x\r\nBcc: b@example.org", "x\ny", "x\ry", "x\0"] {
            let refused = written(&letter("a@example.org", subject));
            assert!(matches!(refused, Err(PortError::Refused { .. })), "{subject:?}");
        }
    }

    proptest! {
        #[test]
        fn no_subject_adds_a_header(subject in any::<String>()) {
            if let Ok(message) = written(&letter("a@example.org", &subject)) {
                let (head, _) = message.split_once("\r\n\r\n").unwrap();
                let first_lines = head.split("\r\n").filter(|line| !line.starts_with([' ', '\t']));
                let names: Vec<_> = first_lines.map(|line| line.split(':').next().unwrap()).collect();
                prop_assert_eq!(&names[..5], ["Message-ID", "Date", "From", "To", "Subject"]);
                prop_assert_eq!(&names[5..], ["MIME-Version", "Content-Type", "Content-Transfer-Encoding"]);
            }
        }
    }
}
