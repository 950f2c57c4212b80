//! What an `s3://` URL says.

use std::time::Duration;

use rusoto_core::Region;
use rusoto_credential::AwsCredentials;
use url::Url;

use super::super::{PORT, TIME_LIMIT};
use crate::port::{OpenError, Parameters};

const KNOWN: [&str; 6] = [
    "endpoint",
    "public_endpoint",
    "region",
    "access_key",
    "secret_key",
    "time_limit",
];

#[derive(Debug)]
pub(super) struct Settings {
    pub bucket: String,
    pub region: Region,
    pub public_region: Region,
    pub credentials: AwsCredentials,
    pub time_limit: Duration,
}

impl Settings {
    /// Reads the URL; credentials that it does not give come from the environment.
    pub(super) fn read(url: &Url, environment: impl Fn(&str) -> Option<String>) -> Result<Self, OpenError> {
        let given = Parameters::read(PORT, url, &KNOWN)?;
        let bucket = match (url.host_str(), url.path()) {
            (Some(bucket), "" | "/") => bucket.to_owned(),
            _ => return Err(OpenError::new(PORT, url, "expected s3://bucket?endpoint=…")),
        };
        let name = given.get("region").map(str::to_owned);
        let name = name.or_else(|| environment("AWS_REGION"));
        let name = name.unwrap_or_else(|| "us-east-1".to_owned());
        let region = match endpoint(&given, "endpoint")? {
            Some(endpoint) => custom(&name, endpoint),
            None => name.parse().map_err(|_| given.wrong("region", "a region of AWS"))?,
        };
        let public_region = match endpoint(&given, "public_endpoint")? {
            Some(endpoint) => custom(&name, endpoint),
            None => region.clone(),
        };
        Ok(Self {
            bucket,
            region,
            public_region,
            credentials: credentials(&given, url, environment)?,
            time_limit: given.duration("time_limit", TIME_LIMIT)?,
        })
    }
}

fn custom(name: &str, endpoint: String) -> Region {
    Region::Custom {
        name: name.to_owned(),
        endpoint,
    }
}

fn endpoint(given: &Parameters<'_>, name: &str) -> Result<Option<String>, OpenError> {
    let Some(text) = given.get(name) else {
        return Ok(None);
    };
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.query().is_none() => {
            Ok(Some(text.trim_end_matches('/').to_owned()))
        }
        _ => Err(given.wrong(name, "an http:// or https:// URL")),
    }
}

fn credentials(
    given: &Parameters<'_>,
    url: &Url,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<AwsCredentials, OpenError> {
    match (given.get("access_key"), given.get("secret_key")) {
        (Some(access_key), Some(secret_key)) => Ok(AwsCredentials::new(access_key, secret_key, None, None)),
        (None, None) => {
            let found = environment("AWS_ACCESS_KEY_ID").zip(environment("AWS_SECRET_ACCESS_KEY"));
            let (access_key, secret_key) = found.ok_or_else(|| {
                let why = "no credentials: give access_key and secret_key, \
                           or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment";
                OpenError::new(PORT, url, why)
            })?;
            let session = environment("AWS_SESSION_TOKEN");
            Ok(AwsCredentials::new(access_key, secret_key, session, None))
        }
        _ => Err(OpenError::new(
            PORT,
            url,
            "access_key and secret_key go together: one of them is missing",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, environment: &[(&str, &str)]) -> Result<Settings, String> {
        let lookup = |name: &str| {
            let found = environment.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Settings::read(&Url::parse(text).unwrap(), lookup).map_err(|error| error.why)
    }

    #[test]
    fn everything_can_stand_in_the_url() {
        let url = "s3://bucket?endpoint=http://minio:9000/&public_endpoint=https://files.example.org\
                   &region=ap-south-1&access_key=AK&secret_key=SK&time_limit=5s";
        let settings = read(url, &[]).unwrap();
        assert_eq!(settings.bucket, "bucket");
        assert_eq!(settings.region, custom("ap-south-1", "http://minio:9000".to_owned()));
        let public = custom("ap-south-1", "https://files.example.org".to_owned());
        assert_eq!(settings.public_region, public);
        assert_eq!(settings.credentials.aws_secret_access_key(), "SK");
        assert_eq!(settings.time_limit, Duration::from_secs(5));
    }

    #[test]
    fn credentials_and_region_come_from_the_environment_when_the_url_has_none() {
        let environment = [
            ("AWS_ACCESS_KEY_ID", "AK"),
            ("AWS_SECRET_ACCESS_KEY", "SK"),
            ("AWS_SESSION_TOKEN", "ST"),
            ("AWS_REGION", "eu-west-1"),
        ];
        let settings = read("s3://bucket", &environment).unwrap();
        assert_eq!(settings.credentials.aws_access_key_id(), "AK");
        assert_eq!(settings.credentials.aws_secret_access_key(), "SK");
        assert_eq!(settings.credentials.token().as_deref(), Some("ST"));
        assert_eq!(settings.region, Region::EuWest1);
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        let why = |text: &str| read(text, &[]).unwrap_err();
        assert!(why("s3://bucket").starts_with("no credentials: give access_key and secret_key"));
        assert!(why("s3://bucket?access_key=AK").contains("go together"));
        assert!(why("s3://?access_key=AK&secret_key=SK").starts_with("expected s3://bucket"));
        assert!(why("s3://bucket/folder?access_key=AK&secret_key=SK").starts_with("expected s3://bucket"));
        assert_eq!(
            why("s3://bucket?endpoint=minio:9000"),
            "endpoint must be an http:// or https:// URL"
        );
        assert_eq!(why("s3://bucket?region=moon-1"), "region must be a region of AWS");
    }
}
