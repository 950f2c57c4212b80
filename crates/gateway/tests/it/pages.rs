//! Pages for a person's browser: HTML, forms, and refusals in words.

use crate::world::{Answer, world};

const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

#[tokio::test]
async fn a_page_comes_as_html_in_which_nothing_runs() {
    let world = world().await;
    let answer = world.get("/forms/asha").await;
    assert_eq!(
        (answer.status, answer.text.as_str()),
        (200, "<form method=\"post\">asha</form>")
    );
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(answer.header("content-security-policy"), POLICY);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("referrer-policy"), "no-referrer");
    assert_eq!(answer.header("x-frame-options"), "DENY");
    let head = Answer::of(world.http.head(world.url("/forms/asha"))).await;
    assert_eq!((head.status, head.text.as_str()), (200, ""));
}

#[tokio::test]
async fn a_form_is_taken_as_browsers_send_it_and_nothing_else_is() {
    let world = world().await;
    let send = async |kind: &str, body: &str| {
        let request = world.http.post(world.url("/forms/asha"));
        Answer::of(request.header("content-type", kind).body(body.to_owned())).await
    };
    let form = "application/x-www-form-urlencoded";
    let answer = send(form, "text=yes%2C+please").await;
    assert_eq!((answer.status, answer.text.as_str()), (200, "<p>asha: yes, please</p>"));
    for (kind, body, status) in [
        (form, "text=maybe", 400),
        (form, "", 400),
        (form, "text=no&text=no", 400),
        (form, "text=no&more=1", 400),
        (form, "text=%ff", 400),
        ("application/json", "{\"text\": \"no\"}", 415),
        ("multipart/form-data; boundary=x", "--x--", 415),
    ] {
        let answer = send(kind, body).await;
        assert_eq!(answer.status, status, "{kind} {body}: {}", answer.text);
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
        assert_eq!(answer.header("content-security-policy"), POLICY);
    }
}

#[tokio::test]
async fn a_refusal_is_a_page_too_and_its_words_stay_words() {
    let world = world().await;
    let answer = world.get("/forms/used").await;
    assert_eq!(answer.status, 409);
    assert!(
        answer.text.contains("<p>This &lt;form&gt; was sent already.</p>"),
        "{}",
        answer.text
    );
    assert!(!answer.header("x-request-id").is_empty());
    for _ in 0..5 {
        let request = world.http.post(world.url("/forms/often"));
        Answer::of(request.form(&[("text", "no")])).await;
    }
    let answer = Answer::of(world.http.post(world.url("/forms/often")).form(&[("text", "no")])).await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (429, "text/html; charset=utf-8")
    );
    assert!(!answer.header("retry-after").is_empty());
    // What no page has is no page.
    let answer = Answer::of(world.http.delete(world.url("/forms/asha"))).await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (405, "application/json")
    );
}
