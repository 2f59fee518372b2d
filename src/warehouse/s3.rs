//! Access to S3 buckets, for warehouses, sources, models and exports alike.
//!
//! In: a URL that names a bucket, and the `AWS_*` environment. Out: an object store. Settings with which the client would only fail at its
//! first request (an endpoint that is no URL, a key with a line's end in it, no credentials at all) are refused here, with the variable's
//! name. An instance's metadata address is asked only where the environment says so.

use std::sync::Arc;

use object_store::ObjectStore;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey as Key, S3ConditionalPut};
use url::Url;

use super::odd_keys;
use super::retry_store::RetryStore;
use crate::error::{Error, Result};

/// The bucket that a URL names, reached as the environment says.
pub(super) fn open(url: &Url) -> Result<Arc<dyn ObjectStore>> {
    let bucket = url.host_str().unwrap_or_default();
    if bucket.is_empty() {
        return Err(Error::usage("the URL names no bucket").with("url", url).hint("write s3://bucket/prefix"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Error::usage("the URL of a bucket holds a user name or a password")
            .with("url", url)
            .hint("write s3://bucket/prefix and put keys into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"));
    }
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if !bucket.chars().all(is_plain) || url.port().is_some() {
        return Err(Error::usage("no bucket can have this name").with("url", url).hint("write s3://bucket/prefix"));
    }
    let environment =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    // The log's atomicity rests on put-if-absent, so it is asked for by name and not left to a default.
    let builder = settings(environment)?
        .with_bucket_name(bucket)
        .with_conditional_put(S3ConditionalPut::ETagMatch)
        .with_http_connector(odd_keys::Connector::default());
    let store = builder.build().map_err(|error| {
        Error::input("cannot set up access to the bucket")
            .with("url", url)
            .because(error)
            .hint("check the AWS_* variables of the environment")
    })?;
    Ok(Arc::new(RetryStore::new(Arc::new(store))))
}

/// The client's settings, where they can work.
fn settings(environment: impl Iterator<Item = (String, String)>) -> Result<AmazonS3Builder> {
    let mut builder = AmazonS3Builder::new();
    let mut asks_instance = false;
    // An empty variable is as good as none.
    for (name, value) in environment.filter(|(name, value)| name.starts_with("AWS_") && !value.is_empty()) {
        if name == "AWS_EC2_METADATA_DISABLED" {
            asks_instance = value.eq_ignore_ascii_case("false");
        }
        let Ok(key) = name.to_ascii_lowercase().parse() else { continue };
        let value = match key {
            Key::Endpoint | Key::S3Endpoint => address(&name, &value)?,
            Key::MetadataEndpoint | Key::StsEndpoint | Key::ContainerCredentialsFullUri => address(&name, &value)?,
            Key::AccessKeyId | Key::SecretAccessKey | Key::Token => printable(&name, value)?,
            Key::Region | Key::DefaultRegion => region(&name, value)?,
            _ => value,
        };
        builder = builder.with_config(key, value);
    }
    let endpoint = builder.get_config_value(&Key::S3Endpoint).or_else(|| builder.get_config_value(&Key::Endpoint));
    if endpoint.is_some_and(|endpoint| endpoint.starts_with("http://")) {
        builder = builder.with_allow_http(true);
    }
    match has_credentials(&builder)? || asks_instance {
        true => Ok(builder),
        false => Err(Error::usage("there are no credentials for S3 in the environment").hint(CREDENTIALS)),
    }
}

const CREDENTIALS: &str = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN where keys are temporary), for example by \
     `eval \"$(aws configure export-credentials --format env)\"`; or AWS_WEB_IDENTITY_TOKEN_FILE with AWS_ROLE_ARN; or AWS_SKIP_SIGNATURE=true \
     for a public bucket; or, where a machine's own role is to be asked, AWS_EC2_METADATA_DISABLED=false";

fn has_credentials(builder: &AmazonS3Builder) -> Result<bool> {
    let has = |key: Key| builder.get_config_value(&key).is_some();
    let lacks = |lacking: &str, given: &str| {
        Err(Error::usage(format!("{given} is set and {lacking} is not")).hint("S3 needs both"))
    };
    match (has(Key::AccessKeyId), has(Key::SecretAccessKey)) {
        (true, true) => return Ok(true),
        (true, false) => return lacks("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID"),
        (false, true) => return lacks("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
        (false, false) => {}
    }
    let is_unsigned = builder.get_config_value(&Key::SkipSignature).is_some_and(|value| value == "true");
    let has_web_identity = has(Key::WebIdentityTokenFile) && has(Key::RoleArn);
    let has_container = has(Key::ContainerCredentialsRelativeUri)
        || (has(Key::ContainerCredentialsFullUri) && has(Key::ContainerAuthorizationTokenFile));
    Ok(is_unsigned || has_web_identity || has_container)
}

/// An address to send requests to, without the slash that people copy with it.
fn address(name: &str, text: &str) -> Result<String> {
    const LIKE: &str = "write it like https://s3.example.org or http://127.0.0.1:9000";
    let wrong = |why: &str, hint: &str| {
        let error = Error::usage(format!("{name} {why}")).hint(hint);
        // What is no URL cannot be searched for a password.
        if text.contains('@') { error } else { error.with("value", text) }
    };
    let url = Url::parse(text.trim()).map_err(|error| wrong("is not a URL", LIKE).because(error))?;
    if !["http", "https"].contains(&url.scheme()) || url.host_str().is_none_or(str::is_empty) {
        return Err(wrong("does not begin with http:// or https:// and a host", LIKE));
    }
    if !url.username().is_empty() || url.password().is_some() {
        let hint = "take it out of the URL: S3 is asked with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
        return Err(wrong("holds a user name or a password", hint));
    }
    if name.starts_with("AWS_ENDPOINT") && (url.query().is_some() || url.fragment().is_some()) {
        return Err(wrong("has a `?` or `#`", LIKE));
    }
    Ok(text.trim().trim_end_matches('/').to_owned())
}

/// What goes into a request's head, where a line's end is not allowed.
fn printable(name: &str, value: String) -> Result<String> {
    match value.chars().all(|c| c.is_ascii_graphic()) {
        true => Ok(value),
        false => Err(Error::usage(format!("{name} holds a character that no key has"))
            .hint("a blank or a line's end may have been copied with it")),
    }
}

/// Part of a host's name.
fn region(name: &str, value: String) -> Result<String> {
    match value.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
        true => Ok(value),
        false => Err(Error::usage(format!("{name} is no region")).with("value", value).hint("for example us-east-1")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b")];

    fn set(variables: &[(&str, &str)]) -> Result<AmazonS3Builder> {
        settings(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    #[test]
    fn an_endpoint_is_a_url_without_a_password() {
        for wrong in [
            "not a url",
            "localhost:9000",
            "http://",
            "ftp://host",
            "http://u:secret@host",
            "u:secret@host:1",
            "http://h/?x",
        ] {
            let error = set(&[KEYS[0], KEYS[1], ("AWS_ENDPOINT_URL", wrong)]).unwrap_err();
            assert_eq!(error.kind(), crate::error::Kind::Usage, "{wrong}");
            assert!(error.to_string().contains("AWS_ENDPOINT_URL") && !error.to_string().contains("secret"), "{error}");
        }
        let right = set(&[KEYS[0], KEYS[1], ("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9000//")]).unwrap();
        assert_eq!(right.get_config_value(&Key::S3Endpoint).as_deref(), Some("http://127.0.0.1:9000"));
    }

    #[test]
    fn credentials_come_from_the_environment_or_are_asked_for_by_name() {
        for none in
            [&[][..], &[("AWS_REGION", "x")], &[("AWS_ACCESS_KEY_ID", "")], &[("AWS_EC2_METADATA_DISABLED", "true")]]
        {
            let error = set(none).unwrap_err();
            assert!(error.advice().unwrap().contains("AWS_ACCESS_KEY_ID"), "{error}");
        }
        assert!(set(&KEYS[..1]).unwrap_err().to_string().contains("AWS_SECRET_ACCESS_KEY is not"));
        for (name, value) in [("AWS_SKIP_SIGNATURE", "true"), ("AWS_EC2_METADATA_DISABLED", "false")] {
            assert!(set(&[(name, value)]).is_ok(), "{name}");
        }
        assert!(set(&[("AWS_WEB_IDENTITY_TOKEN_FILE", "/t"), ("AWS_ROLE_ARN", "r")]).is_ok());
        assert!(set(&[("AWS_ACCESS_KEY_ID", "a\n"), KEYS[1]]).is_err());
        assert!(set(&[KEYS[0], KEYS[1], ("AWS_REGION", "us east")]).is_err());
    }

    #[test]
    fn a_bucket_url_holds_no_password() {
        let error = open(&Url::parse("s3://key:secret@bucket/x").unwrap()).unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}
