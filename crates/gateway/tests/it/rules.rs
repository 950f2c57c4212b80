//! Rules that do not fit refuse to start, and name the rpc.

use gateway::{Config, Gateway};
use kit::{
    Clock,
    access::{ServiceSecret, Verifier},
    upstream::Upstreams,
};
use proto::auth::tokens_client::TokensClient;

use crate::world::{deps, pool_of, test_config};

const HEAD: &str = r#"
syntax = "proto3";
package hostelpulse.trial.v1;
import "google/api/annotations.proto";
import "hostelpulse/options/v1/options.proto";
import "hostelpulse/types/v1/types.proto";
message Ask { string id = 1; repeated string many = 2; Ask inner = 3; bytes raw = 4; bool flag = 5; }
message Form { optional string form = 1 [(hostelpulse.options.v1.field) = {one_of: "a" one_of: "b"}]; string id = 2; }
message Answer { string id = 1; optional string token = 2; repeated string many = 3; }
"#;

/// What a gateway says of a contract with one more service in it.
async fn verdict(service: &str, config: Config) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("hostelpulse/trial/v1");
    std::fs::create_dir_all(&place).unwrap();
    std::fs::write(place.join("trial.proto"), format!("{HEAD}{service}")).unwrap();
    let mut builder = Upstreams::builder();
    let _places = (builder.local("auth"), builder.local("trial"));
    let upstreams = builder.build();
    let (secret, clock) = (ServiceSecret::random(), Clock::system());
    let verifier = Verifier::new(
        TokensClient::new(upstreams.channel("auth").unwrap()),
        secret.clone(),
        clock.clone(),
    );
    let deps = deps(pool_of(folder.path()), upstreams, verifier, secret, clock).await;
    Gateway::create(deps, config)
        .map(|_| ())
        .map_err(|error| error.to_string())
}

/// One rpc, `hostelpulse.trial.v1.Bad.Do`.
fn rpc(types: &str, options: &str) -> String {
    format!("service Bad {{ rpc Do{types} {{ {options} }} }}")
}

const PUBLIC: &str = "option (hostelpulse.options.v1.access) = {public: true};";
const UNARY: &str = "(Ask) returns (Answer)";

fn http(binding: &str) -> String {
    format!("{PUBLIC} option (google.api.http) = {{{binding}}};")
}

#[tokio::test]
async fn a_contract_that_fits_starts() {
    let fits = rpc(UNARY, &http(r#"get: "/a/{id}""#));
    assert_eq!(verdict(&fits, test_config()).await, Ok(()));
}

#[tokio::test]
async fn each_rule_that_does_not_fit_is_named() {
    let limit = |line: &str| {
        format!(
            r#"{} option (hostelpulse.options.v1.limits) = "{line}";"#,
            http(r#"get: "/a""#)
        )
    };
    let rest = |rule: &str| {
        format!(
            "{} option (hostelpulse.options.v1.rest) = {{{rule}}};",
            http(r#"get: "/a""#)
        )
    };
    let upload = "(stream hostelpulse.types.v1.FileChunk) returns (Answer)";
    let cases = [
        (
            UNARY,
            r#"option (google.api.http) = {get: "/a"};"#.to_owned(),
            "says nothing of who may call",
        ),
        (
            UNARY,
            "option (hostelpulse.options.v1.access) = {services: true}; option (google.api.http) = {get: \"/a\"};"
                .to_owned(),
            "only services",
        ),
        (UNARY, http(r#"get: "/a/{other}""#), "\"other\" is no plain field"),
        (UNARY, http(r#"get: "/a/{many}""#), "\"many\" is no plain field"),
        (UNARY, http(r#"get: "/a/{inner}""#), "\"inner\" is no plain field"),
        (UNARY, http(r#"get: "/a/{raw}""#), "\"raw\" is no plain field"),
        (UNARY, http(r#"get: "/a/{id}/{id}""#), "stands twice"),
        (UNARY, http(r#"get: "/a/{id=*}""#), "\"id=*\" is no plain field"),
        (UNARY, http(r#"get: "/a//b""#), "segment \"\""),
        (UNARY, http(r#"get: "/a/x{id}""#), "segment \"x{id}\""),
        (UNARY, http(r#"get: "a""#), "must begin with /"),
        (UNARY, http(r#"get: "/a" body: "*""#), "a GET has no body"),
        (UNARY, http(r#"post: "/a" body: "other""#), "body \"other\" is no field"),
        (UNARY, http(r#"post: "/a/{id}" body: "id""#), "also a path parameter"),
        (
            UNARY,
            http(r#"get: "/a" response_body: "id""#),
            "response_body is not supported",
        ),
        (
            UNARY,
            http(r#"custom {kind: "LOCK" path: "/a"}"#),
            "method \"LOCK\" is not supported",
        ),
        (UNARY, http(r#"body: "*""#), "has no path"),
        (
            UNARY,
            http(r#"get: "/health/live""#),
            "same method and path as the gateway itself",
        ),
        (
            UNARY,
            http(r#"get: "/a" additional_bindings {get: "/a"}"#),
            "same method and path as hostelpulse.trial.v1.Bad.Do",
        ),
        (UNARY, limit("5/week/ip"), "must look like"),
        (UNARY, limit("5/minute/other"), "\"other\", which is neither"),
        (UNARY, limit("5/minute/many"), "\"many\", which is neither"),
        (UNARY, limit("5/minute/user"), "counts by user, but anybody may call"),
        (UNARY, rest(r#"when: "csv""#), "must look like `format=csv`"),
        (UNARY, rest("creates: true"), "a creation must be a POST"),
        (UNARY, rest(r#"form {name: "x"}"#), "only an upload has a form"),
        (
            "(Ask) returns (stream Answer)",
            http(r#"post: "/a" body: "*""#),
            "must be a GET",
        ),
        (
            "(stream Ask) returns (Answer)",
            http(r#"post: "/a" body: "*""#),
            "has no face",
        ),
        (
            "(stream Ask) returns (stream Answer)",
            http(r#"get: "/a""#),
            "has no face",
        ),
        (
            "(hostelpulse.types.v1.FileChunk) returns (Answer)",
            http(r#"post: "/a" body: "*""#),
            "only for streams",
        ),
        (upload, http(r#"get: "/a""#), "must be a POST or PUT"),
    ];
    for (types, options, why) in cases {
        let said = verdict(&rpc(types, &options), test_config()).await.expect_err(why);
        assert!(
            said.starts_with("hostelpulse.trial.v1.Bad.Do: ") && said.contains(why),
            "{said:?} does not say {why:?}"
        );
    }
}

#[tokio::test]
async fn a_form_that_does_not_fit_is_named() {
    let upload = "(stream hostelpulse.types.v1.FileChunk) returns (Answer)";
    let rest = |rule: &str| {
        let post = http(r#"post: "/a/{id}" body: "*""#);
        rpc(
            upload,
            &format!("{post} option (hostelpulse.options.v1.rest) = {{{rule}}};"),
        )
    };
    let fits = rest(r#"when: "kind=csv" form {name: "x"} form {name: "dry" in_query: true}"#);
    assert_eq!(verdict(&fits, test_config()).await, Ok(()));
    for (rule, why) in [
        (r#"form {name: "file"}"#, "no name of its own"),
        (r#"form {name: "id" in_query: true}"#, "no name of its own"),
        (
            r#"form {name: "x"} form {name: "x" in_query: true}"#,
            "no name of its own",
        ),
        (
            r#"when: "dry=yes" form {name: "dry" in_query: true}"#,
            "\"dry\" is what chooses the rpc",
        ),
    ] {
        let said = verdict(&rest(rule), test_config()).await.expect_err(why);
        assert!(said.contains(why), "{said:?} does not say {why:?}");
    }
}

#[tokio::test]
async fn a_choice_by_the_header_that_does_not_fit_is_named() {
    const FILE: &str = "(Form) returns (stream hostelpulse.types.v1.FileChunk)";
    let accept = |binding: &str, field: &str, forms: &[(&str, &str)]| {
        let forms = forms
            .iter()
            .map(|(media_type, value)| format!("forms {{media_type: \"{media_type}\" value: \"{value}\"}}"));
        let forms = forms.collect::<Vec<_>>().join(" ");
        format!(
            "{} option (hostelpulse.options.v1.rest) = {{accept {{field: \"{field}\" {forms}}}}};",
            http(binding)
        )
    };
    let (get, both) = (r#"get: "/a""#, [("x/a", "a"), ("x/b", "b")]);
    assert_eq!(
        verdict(&rpc(FILE, &accept(get, "form", &both)), test_config()).await,
        Ok(())
    );
    for (types, options, why) in [
        (UNARY, accept(get, "id", &both), "only for downloads"),
        (
            FILE,
            accept(r#"post: "/a" body: "*""#, "form", &both),
            "only for downloads",
        ),
        (FILE, accept(get, "other", &both), "no optional text field"),
        (FILE, accept(get, "id", &both), "no optional text field"),
        (FILE, accept(r#"get: "/a/{form}""#, "form", &both), "given by the path"),
        (FILE, accept(get, "form", &both[..1]), "leaves nothing to choose"),
        (
            FILE,
            accept(get, "form", &[("x/a", "a"), ("b", "b")]),
            "\"b\", which is no media type",
        ),
        (
            FILE,
            accept(get, "form", &[("x/a", "a"), ("x/c", "c")]),
            "\"c\", which it may not have",
        ),
    ] {
        let said = verdict(&rpc(types, &options), test_config()).await.expect_err(why);
        assert!(said.contains(why), "{said:?} does not say {why:?}");
    }
}

#[tokio::test]
async fn a_choice_between_rpcs_that_does_not_fit_is_named() {
    const FILE: &str = "(Form) returns (stream hostelpulse.types.v1.FileChunk)";
    let chosen = |when: &str, forms: &str| {
        let rule = format!("{{when: \"{when}\" accept {{field: \"form\" {forms}}}}}");
        let get = http(r#"get: "/a""#);
        rpc(FILE, &format!("{get} option (hostelpulse.options.v1.rest) = {rule};"))
    };
    let (a, b) = (
        r#"forms {media_type: "x/a" value: "a"}"#,
        r#"forms {media_type: "x/b" value: "b"}"#,
    );
    assert_eq!(verdict(&chosen("form=a", a), test_config()).await, Ok(()));
    for (when, forms) in [
        ("form=b", a),
        ("id=a", a),
        ("form=a", &format!("{a} {b}")),
        ("form=a", ""),
    ] {
        let said = verdict(&chosen(when, forms), test_config()).await.expect_err(when);
        assert!(said.contains("the one form that `when` chooses"), "{said:?}");
    }
}

#[tokio::test]
async fn a_page_that_does_not_fit_is_named() {
    const SHOWN: &str = "(Ask) returns (hostelpulse.types.v1.WebPage)";
    let (get, post) = (r#"get: "/a""#, r#"post: "/a" body: "*""#);
    for fits in [get, post] {
        assert_eq!(verdict(&rpc(SHOWN, &http(fits)), test_config()).await, Ok(()), "{fits}");
    }
    let rest = |rule: &str| format!("{} option (hostelpulse.options.v1.rest) = {{{rule}}};", http(post));
    for (options, why) in [
        (http(r#"put: "/a" body: "*""#), "a page must be a GET, or a POST"),
        (http(r#"post: "/a""#), "a page must be a GET, or a POST"),
        (http(r#"post: "/a" body: "inner""#), "a page must be a GET, or a POST"),
        (rest("creates: true"), "a page creates nothing"),
        (rest("keyed: true"), "a page creates nothing"),
        (rest("message: \"Done\""), "a page creates nothing"),
    ] {
        let said = verdict(&rpc(SHOWN, &options), test_config()).await.expect_err(why);
        assert!(said.contains(why), "{said:?} does not say {why:?}");
    }
}

#[tokio::test]
async fn a_cookie_that_does_not_fit_is_named() {
    let post = http(r#"post: "/a" body: "*""#);
    let cookie = |rule: &str| format!("{post} option (hostelpulse.options.v1.rest) = {{cookie: {{{rule}}}}};");
    for fits in [
        r#"takes: "id" gives: "token""#.to_owned(),
        r#"gives: "token" asked_by: "flag""#.to_owned(),
        r#"takes: "id" ends: true"#.to_owned(),
        "ends: true".to_owned(),
        r#"takes: "id""#.to_owned(),
    ] {
        assert_eq!(
            verdict(&rpc(UNARY, &cookie(&fits)), test_config()).await,
            Ok(()),
            "{fits}"
        );
    }
    for (rule, why) in [
        (
            r#"takes: "other" ends: true"#,
            "`takes` \"other\" is no single text field of Ask",
        ),
        (r#"takes: "many" ends: true"#, "`takes` \"many\""),
        (r#"takes: "raw" ends: true"#, "`takes` \"raw\""),
        (r#"takes: "inner" ends: true"#, "`takes` \"inner\""),
        (r#"takes: "flag" ends: true"#, "`takes` \"flag\""),
        (
            r#"takes: "id" gives: "other""#,
            "`gives` \"other\" is no single text field of Answer",
        ),
        (r#"takes: "id" gives: "many""#, "`gives` \"many\""),
        (r#"takes: "id" gives: "id""#, "must be optional to be null"),
        (
            r#"gives: "token" asked_by: "other""#,
            "`asked_by` \"other\" is no single boolean field of Ask",
        ),
        (r#"gives: "token" asked_by: "id""#, "`asked_by` \"id\""),
        (r#"gives: "token""#, "given to nobody"),
        (r#"takes: "id" gives: "token" ends: true"#, "is given and ends"),
        (r#"asked_by: "flag" ends: true"#, "asked for, but not given"),
        ("", "does nothing"),
    ] {
        let said = verdict(&rpc(UNARY, &cookie(rule)), test_config()).await.expect_err(why);
        let named = said.starts_with("hostelpulse.trial.v1.Bad.Do: ");
        assert!(named && said.contains(why), "{said:?} does not say {why:?}");
    }
    let with = |binding: &str| {
        let rest = r#"option (hostelpulse.options.v1.rest) = {cookie: {takes: "id" ends: true}};"#;
        format!("{}{rest}", http(binding))
    };
    let stream = "(Ask) returns (stream Answer)";
    for (types, options, why) in [
        (UNARY, with(r#"post: "/a/{id}""#), "needs the body"),
        (UNARY, with(r#"post: "/a" body: "inner""#), "needs the body"),
        (UNARY, with(r#"get: "/a""#), "needs the body"),
        (UNARY, with(r#"post: "/a/{id}" body: "*""#), "is given by the path"),
        (stream, with(r#"get: "/a""#), "one message and one answer"),
    ] {
        let said = verdict(&rpc(types, &options), test_config()).await.expect_err(why);
        assert!(said.contains(why), "{said:?} does not say {why:?}");
    }
}

#[tokio::test]
async fn limits_of_an_installation_must_fit_like_those_of_the_contract() {
    let good = rpc(UNARY, &http(r#"get: "/a""#));
    for (name, line, why) in [
        (
            "hostelpulse.trial.v1.Bad.Other",
            "5/minute/ip",
            "no rpc with a path is called so",
        ),
        ("hostelpulse.trial.v1.Bad.Do", "5/fortnight/ip", "5/fortnight/ip"),
        ("hostelpulse.trial.v1.Bad.Do", "5/minute/ip+other", "other"),
    ] {
        let mut config = test_config();
        config.limits.of = [(name.to_owned(), vec![line.to_owned()])].into();
        let said = verdict(&good, config).await.expect_err(why);
        assert!(
            said.starts_with(name) && said.contains(why),
            "{said:?} does not say {why:?}"
        );
    }
}

#[tokio::test]
async fn two_rpcs_on_one_path_need_a_condition() {
    let two = |first: &str, second: &str| {
        let rule = |when: &str| {
            format!(
                "{} option (hostelpulse.options.v1.rest) = {{{when}}};",
                http(r#"get: "/a""#)
            )
        };
        let (one, other) = (rule(first), rule(second));
        format!("service Bad {{ rpc One{UNARY} {{ {one} }} rpc Two{UNARY} {{ {other} }} }}")
    };
    let said = verdict(&two("", ""), test_config()).await.unwrap_err();
    assert_eq!(
        said,
        "hostelpulse.trial.v1.Bad.Two: has the same method and path as hostelpulse.trial.v1.Bad.One"
    );
    assert!(
        verdict(&two(r#"when: "f=a""#, r#"when: "f=a""#), test_config())
            .await
            .is_err()
    );
    assert_eq!(
        verdict(&two(r#"when: "f=a""#, r#"when: "f=b""#), test_config()).await,
        Ok(())
    );
    assert_eq!(verdict(&two("", r#"when: "f=b""#), test_config()).await, Ok(()));
}

#[tokio::test]
async fn one_path_names_its_parameters_in_one_way() {
    let two = format!(
        "service Bad {{ rpc One{UNARY} {{ {} }} rpc Two(Other) returns (Answer) {{ {} }} }} message Other {{ string key = 1; }}",
        http(r#"get: "/a/{id}""#),
        http(r#"delete: "/a/{key}""#)
    );
    let said = verdict(&two, test_config()).await.unwrap_err();
    assert_eq!(
        said,
        "hostelpulse.trial.v1.Bad.Two: names the parameters of /a/{key} otherwise than /a/{id}"
    );
}

#[tokio::test]
async fn a_service_that_nobody_knows_the_way_to_is_named() {
    let service = "service Bad { rpc Do(Ask) returns (Answer) { option (google.api.http) = {get: \"/a\"}; \
        option (hostelpulse.options.v1.access) = {public: true}; } }";
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("hostelpulse/trial/v1");
    std::fs::create_dir_all(&place).unwrap();
    std::fs::write(place.join("trial.proto"), format!("{HEAD}{service}")).unwrap();
    let mut builder = Upstreams::builder();
    let _places = builder.local("auth");
    let upstreams = builder.build();
    let (secret, clock) = (ServiceSecret::random(), Clock::system());
    let verifier = Verifier::new(
        TokensClient::new(upstreams.channel("auth").unwrap()),
        secret.clone(),
        clock.clone(),
    );
    let deps = deps(pool_of(folder.path()), upstreams, verifier, secret, clock).await;
    let said = Gateway::create(deps, test_config())
        .map(|_| ())
        .unwrap_err()
        .to_string();
    assert_eq!(
        said,
        "hostelpulse.trial.v1.Bad.Do: no way to the service trial is configured"
    );
}
