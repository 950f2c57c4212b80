//! Ids as requests name them.

use uuid::Uuid;

/// Characters of the hyphenated form.
const LENGTH: usize = 36;

/// An id in its hyphenated form, in whatever case.
pub fn parse(text: &str) -> Result<Uuid, &'static str> {
    // The parser also takes the form without hyphens, with braces and as URN, all of other lengths.
    let id = Uuid::try_parse(text).ok().filter(|_| text.len() == LENGTH);
    id.ok_or("must be a UUID")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_form_of_several() {
        let id = Uuid::from_u128(0x0198_f1d2_7c3a_7b4e_9f60_2a1b_3c4d_5e6f);
        for good in [id.hyphenated().to_string(), id.hyphenated().to_string().to_uppercase()] {
            assert_eq!(parse(&good), Ok(id));
        }
        for bad in [
            String::new(),
            id.simple().to_string(),
            id.braced().to_string(),
            id.urn().to_string(),
            format!("{id} "),
            "g".repeat(36),
        ] {
            assert_eq!(parse(&bad), Err("must be a UUID"), "{bad:?}");
        }
    }
}
