//! The page that a sign-in ends at: a title and a few sentences come in; HTML goes out, which loads
//! nothing, runs nothing and holds no secret.

use std::sync::OnceLock;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

const STYLE: &str = "\
:root{color-scheme:light dark}\
body{font:1.1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:15vh auto;padding:0 1.5rem}\
h1{font-size:1.5rem;margin:0 0 1rem;padding-left:.8rem;border-left:.4rem solid}\
.good h1{border-color:#2a8a4a}\
.bad h1{border-color:#c0392b}\
footer{margin-top:2.5rem;font-size:.85rem;opacity:.65}";

/// A page that says what happened.
pub fn page(status: StatusCode, good: bool, title: &str, sentences: &[String]) -> Response {
    let mut text = String::from("<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n");
    text.push_str("<meta name=\"viewport\" content=\"width=device-width\">\n");
    text.push_str(&format!("<title>{} - linecook</title>\n", escaped(title)));
    text.push_str(&format!("<style>{STYLE}</style>\n"));
    let class = if good { "good" } else { "bad" };
    text.push_str(&format!("<body class=\"{class}\">\n<h1>{}</h1>\n", escaped(title)));
    for sentence in sentences {
        text.push_str(&format!("<p>{}</p>\n", escaped(sentence)));
    }
    text.push_str("<footer>linecook on this machine</footer>\n</body>\n</html>\n");
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    let mut response = (status, [(header::CONTENT_TYPE, kind)], text).into_response();
    protect(&mut response);
    response
}

/// Sends the browser on, and keeps where it has been to itself.
pub fn send_on(address: &str) -> Response {
    let Ok(address) = HeaderValue::from_str(address) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let mut response = (StatusCode::SEE_OTHER, [(header::LOCATION, address)]).into_response();
    protect(&mut response);
    response
}

fn protect(response: &mut Response) {
    static POLICY: OnceLock<HeaderValue> = OnceLock::new();
    let policy = POLICY.get_or_init(|| {
        let hash = ring::digest::digest(&ring::digest::SHA256, STYLE.as_bytes());
        let hash = STANDARD.encode(hash);
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        );
        HeaderValue::from_str(&policy).expect("it is plain text")
    });
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, policy.clone());
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_others_wrote_is_text_and_nothing_is_loaded() {
        let sentences = ["<script>alert('x')</script> & \"more\"".to_owned()];
        let response = page(StatusCode::OK, true, "<b>", &sentences);
        let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        let bytes = axum::body::to_bytes(response.into_body(), 100_000).await.unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        assert!(text.contains(
            "<p>&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;more&quot;</p>"
        ));
        assert!(text.contains("<h1>&lt;b&gt;</h1>"), "{text}");
        assert!(!text.contains("src=") && !text.contains("href="), "{text}");
    }
}
