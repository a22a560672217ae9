//! What surrounds every request: its id, the language of its refusals, the query string, and the
//! promise that nothing leaves as text/plain.

use std::future::Future;
use std::pin::Pin;

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::QueryPayloadError;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_MATCH,
    IF_NONE_MATCH, VARY,
};
use actix_web::middleware::Next;
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::kernel::cache;
use crate::kernel::db;
use crate::kernel::gate::Waiter;
use crate::kernel::problem::{Code, Outcome, Problem, ProblemBody, Refusal};

static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Gives each request its id and turns every refusal into problem+json in the caller's language.
pub async fn answer_problems<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, actix_web::Error> {
    let id = request_id(&request);
    let english = speaks_english(request.headers());
    let mut response = match db::counted(next.call(request)).await {
        Ok(response)
            if !response.status().is_client_error() && !response.status().is_server_error() =>
        {
            response.map_into_left_body()
        }
        Ok(response) => {
            let refusal = refusal_of(&response, &id);
            let allow = response.headers().get(ALLOW).cloned();
            let request = response.into_parts().0;
            let mut answer = problem(refusal, english, &id);
            if let Some(allow) = allow {
                answer.headers_mut().insert(ALLOW, allow);
            }
            ServiceResponse::new(request, answer).map_into_right_body()
        }
        Err(error) => return Err(error),
    };
    identify(response.headers_mut(), id);
    Ok(response)
}

/// Writes a request's id into the headers of its answer.
pub fn identify(headers: &mut HeaderMap, id: String) {
    if let Ok(value) = HeaderValue::try_from(id) {
        headers.insert(REQUEST_ID.clone(), value);
    }
}

/// What the client calls its request, or else a new id.
pub fn request_id(request: &ServiceRequest) -> String {
    let sent = request.headers().get(&REQUEST_ID).and_then(|id| id.to_str().ok());
    let fit = |id: &&str| {
        (1..=64).contains(&id.len())
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    sent.filter(fit).map_or_else(|| Uuid::now_v7().to_string(), str::to_owned)
}

/// Whether the client asks for English first; whoever asks for nothing is answered in Chinese.
pub fn speaks_english(headers: &HeaderMap) -> bool {
    let wanted = headers.get("accept-language").and_then(|it| it.to_str().ok());
    wanted.is_some_and(|languages| languages.trim_start().to_ascii_lowercase().starts_with("en"))
}

/// The refusal behind an error answer, also behind those that the framework makes by itself. The one
/// place where a fault's cause is logged.
fn refusal_of<B>(response: &ServiceResponse<B>, id: &str) -> Refusal {
    let error = response.response().error();
    if let Some(problem) = error.and_then(|error| error.as_error::<Problem>()) {
        if !matches!(problem, Problem::Refused(_)) {
            tracing::error!(request_id = id, cause = %problem, "a request failed");
        }
        return problem.refusal();
    }
    let code = match response.status() {
        StatusCode::NOT_FOUND => Code::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => Code::MethodNotAllowed,
        StatusCode::PAYLOAD_TOO_LARGE => Code::BodyTooLarge,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Code::UnsupportedMediaType,
        status if status.is_client_error() => Code::MalformedJson,
        _ => {
            tracing::error!(request_id = id, cause = ?error, "a request failed");
            Code::Internal
        }
    };
    code.into()
}

fn problem(refusal: Refusal, english: bool, id: &str) -> HttpResponse {
    let code = refusal.code;
    let status = StatusCode::from_u16(code.status()).unwrap_or_default();
    let mut answer = HttpResponse::build(status);
    if let Some(seconds) = refusal.retry_after {
        answer.insert_header(("Retry-After", seconds.to_string()));
    }
    if status == StatusCode::UNAUTHORIZED {
        answer.insert_header(("WWW-Authenticate", "Bearer"));
    }
    answer.insert_header(("Content-Language", if english { "en" } else { "zh-CN" }));
    let body = ProblemBody::new(refusal, english, id.to_owned());
    let json = serde_json::to_vec(&body).unwrap_or_default();
    answer.content_type("application/problem+json").body(json)
}

/// Where the request comes from, as text: the peer, or behind a proxy what the proxy wrote last.
pub fn address_of(request: &HttpRequest, behind_proxy: bool) -> String {
    let header = request.headers().get_all("x-forwarded-for").last();
    let written = header.and_then(|it| it.to_str().ok()?.rsplit(',').next()?.trim().parse().ok());
    let peer = request.peer_addr().map(|peer| peer.ip());
    let address: Option<std::net::IpAddr> = if behind_proxy { written.or(peer) } else { peer };
    match address {
        // Whoever has one address of such a network has all of them.
        Some(std::net::IpAddr::V6(address)) if address.to_ipv4_mapped().is_none() => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        Some(address) => address.to_canonical().to_string(),
        None => String::new(),
    }
}

/// Whether the client already holds what this strong ETag names.
pub fn has_etag(request: &HttpRequest, etag: &str) -> bool {
    let sent = request.headers().get(IF_NONE_MATCH).and_then(|it| it.to_str().ok());
    sent.is_some_and(|tags| tags.split(',').any(|tag| tag.trim() == etag || tag.trim() == "*"))
}

/// Whether the caller changes what they have read: `If-Match` must name the strong ETag of `version`.
///
/// # Errors
/// `precondition_required` without the header, `precondition_failed` if none of its tags is the
/// thing's own: weak tags never are.
pub fn if_match(request: &HttpRequest, version: i64) -> Outcome<()> {
    let mut sent = request.headers().get_all(IF_MATCH).peekable();
    if sent.peek().is_none() {
        return Err(Code::PreconditionRequired.into());
    }
    let etag = format!("\"{version}\"");
    let mut tags = sent.filter_map(|it| it.to_str().ok()).flat_map(|it| it.split(','));
    match tags.any(|tag| tag.trim() == etag || tag.trim() == "*") {
        true => Ok(()),
        false => Err(Code::PreconditionFailed.into()),
    }
}

/// What only this reader may see, and no cache may keep.
pub fn private_json(body: &impl Serialize) -> HttpResponse {
    HttpResponse::Ok().insert_header(("Cache-Control", "private, no-store")).json(body)
}

/// How long what can still change is kept by others, in seconds: shorter than we take to see a change
/// ourselves.
const SHORT: &str = "public, max-age=1, must-revalidate";
/// For a day: nothing in it changes any more, but a release may say more about it.
const LASTING: &str = "public, max-age=86400, immutable";

/// Public bytes with their strong ETag, or 304.
pub fn public_json(request: &HttpRequest, ready: &cache::Ready) -> HttpResponse {
    public(request, ready, &[(CONTENT_TYPE, "application/json")])
}

/// As [`public_json`], of any media type, which is among the headers.
pub fn public(
    request: &HttpRequest,
    ready: &cache::Ready,
    headers: &[(HeaderName, &str)],
) -> HttpResponse {
    let fresh = has_etag(request, &ready.etag);
    let mut answer = if fresh { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    let kept = HeaderValue::from_static(if ready.lasting { LASTING } else { SHORT });
    answer.insert_header((ETAG, &*ready.etag));
    answer.insert_header((CACHE_CONTROL, kept));
    answer.insert_header((VARY, HeaderValue::from_static("Authorization")));
    if fresh {
        return answer.finish();
    }
    for header in headers {
        answer.append_header(header.clone());
    }
    answer.body(ready.bytes.clone())
}

/// A query string, decoded strictly: unknown or repeated parameters are refused.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Query<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Outcome<Self>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let waiter = Waiter::at(request);
        let query = request.query_string().to_owned();
        Box::pin(async move {
            waiter.pass().await;
            read_query(&query).map(Self)
        })
    }
}

/// # Errors
/// `invalid_query` unless it has what `T` has and nothing else.
pub fn read_query<T: DeserializeOwned>(query: &str) -> Outcome<T> {
    if query.contains("%00") {
        // No database text can hold it.
        return Err(Code::InvalidQuery.into());
    }
    let decoded = actix_web::web::Query::<T>::from_query(query);
    let odd = |error: QueryPayloadError| {
        Refusal::from(Code::InvalidQuery).because(error.to_string()).into()
    };
    decoded.map(actix_web::web::Query::into_inner).map_err(odd)
}

/// A part of the path, parsed.
///
/// # Errors
/// `invalid_path` if it is not of its form.
pub fn path_part<T: std::str::FromStr>(request: &HttpRequest, name: &str) -> Outcome<T> {
    let part = request.match_info().get(name).and_then(|part| part.parse().ok());
    part.ok_or_else(|| {
        Refusal::from(Code::InvalidPath).because(format!("`{name}` is not of its form")).into()
    })
}

/// The id in the path, in its canonical form only.
pub fn path_id(request: &HttpRequest, name: &str) -> Outcome<Uuid> {
    let id: Uuid = path_part(request, name)?;
    let canonical = request.match_info().get(name) == Some(id.to_string().as_str());
    if canonical && !id.is_nil() {
        return Ok(id);
    }
    Err(Code::InvalidPath.into())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn only_the_strong_tag_of_the_version_matches() {
        let sent = |value: &str| {
            let request = TestRequest::default().insert_header((IF_MATCH, value)).to_http_request();
            if_match(&request, 3).is_ok()
        };
        assert!(sent("\"3\"") && sent("\"2\", \"3\"") && sent("*"));
        for value in ["W/\"3\"", "3", "\"33\"", "\"2\"", "", "\"\""] {
            assert!(!sent(value), "{value}");
        }
        let without = TestRequest::default().to_http_request();
        let refused = if_match(&without, 3).expect_err("a refusal").refusal();
        assert_eq!(refused.code, Code::PreconditionRequired);
    }
}
