//! The parameters of a port's URL: all known, each once, so that a misspelt one does not silently do nothing.

use std::{collections::HashMap, time::Duration};

use url::Url;

use super::OpenError;

/// What stands behind the `?` of a port's URL.
pub struct Parameters<'a> {
    port: &'static str,
    url: &'a Url,
    given: HashMap<String, String>,
}

impl<'a> Parameters<'a> {
    pub fn read(port: &'static str, url: &'a Url, known: &[&str]) -> Result<Self, OpenError> {
        let mut given = HashMap::new();
        for (name, value) in url.query_pairs() {
            if !known.contains(&&*name) {
                let why = match known {
                    [] => format!("unknown parameter \"{name}\", none is expected"),
                    _ => format!("unknown parameter \"{name}\", expected one of {}", known.join(", ")),
                };
                return Err(OpenError::new(port, url, why));
            }
            if given.insert(name.to_string(), value.into_owned()).is_some() {
                let why = format!("the parameter \"{name}\" is given twice");
                return Err(OpenError::new(port, url, why));
            }
        }
        Ok(Self { port, url, given })
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.given.get(name).map(String::as_str)
    }

    /// A length of time, written as `500ms` or `30s`.
    pub fn duration(&self, name: &str, default: Duration) -> Result<Duration, OpenError> {
        let Some(text) = self.get(name) else {
            return Ok(default);
        };
        let read = match text.strip_suffix("ms") {
            Some(number) => number.parse().map(Duration::from_millis),
            None => text.strip_suffix('s').unwrap_or("").parse().map(Duration::from_secs),
        };
        match read {
            Ok(length) if !length.is_zero() => Ok(length),
            _ => Err(self.wrong(name, "a length of time such as 500ms or 30s")),
        }
    }

    /// The error for a parameter whose value is not as `expected`.
    pub fn wrong(&self, name: &str, expected: &str) -> OpenError {
        OpenError::new(self.port, self.url, format!("{name} must be {expected}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn unknown_and_repeated_parameters_are_named() {
        let why = |text: &str| Parameters::read("files", &url(text), &["region"]).err().unwrap().why;
        assert_eq!(
            why("s3://b?regoin=x"),
            "unknown parameter \"regoin\", expected one of region"
        );
        assert_eq!(
            why("s3://b?region=x&region=y"),
            "the parameter \"region\" is given twice"
        );
    }

    #[test]
    fn lengths_of_time_are_read() {
        let read = |text: &str| {
            let url = url(&format!("s3://b?limit={text}"));
            let parameters = Parameters::read("files", &url, &["limit"]).unwrap();
            parameters.duration("limit", Duration::from_secs(9)).ok()
        };
        assert_eq!(read("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(read("30s"), Some(Duration::from_secs(30)));
        for wrong in ["", "s", "0s", "5", "5m", "-1s", "1.5s", "99999999999999999999s"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
