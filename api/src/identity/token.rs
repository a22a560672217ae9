//! Access tokens: HS256, 15 minutes, every claim required. Roles are not in them: they are read fresh.
//!
//! Each token names by `kid` the key that signed it. The first key of the set signs; the others are on
//! their way out and only verify.

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::kernel::clock::Instant;
use crate::kernel::derive::hex;
use crate::kernel::problem::{Code, Outcome, Problem};

const ISSUER: &str = "jifen";
/// How long an access token is valid, in seconds.
pub const ACCESS_SECONDS: i64 = 15 * 60;
/// Clocks of replicas may differ by this much.
const LEEWAY_SECONDS: i64 = 5;

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: Uuid,
    sid: Uuid,
    iss: String,
    aud: String,
    typ: String,
    iat: i64,
    nbf: i64,
    exp: i64,
}

/// Whose token it is, and the session it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bearer {
    pub account: Uuid,
    pub session: Uuid,
}

/// The public name of a key.
fn kid(secret: &[u8]) -> String {
    let digest = Sha256::new().chain_update(b"kid|").chain_update(secret).finalize();
    hex(digest.get(..8).unwrap_or_default())
}

/// A token for the session, valid for [`ACCESS_SECONDS`] from `now` on.
pub fn issue(secret: &[u8], bearer: Bearer, now: Instant) -> Outcome<String> {
    let now = now.seconds();
    let name = || ISSUER.to_owned();
    let claims = Claims {
        sub: bearer.account,
        sid: bearer.session,
        iss: name(),
        aud: name(),
        typ: "access".to_owned(),
        iat: now,
        nbf: now,
        exp: now + ACCESS_SECONDS,
    };
    let header = Header { kid: Some(kid(secret)), ..Header::new(Algorithm::HS256) };
    jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(secret))
        .map_err(|error| Problem::fault(error.to_string()))
}

/// Whose token this is.
///
/// # Errors
/// `token_invalid` if anything about it is not as [`issue`] makes it.
pub fn verify<'a>(
    mut secrets: impl Iterator<Item = &'a [u8]>,
    token: &str,
    now: Instant,
) -> Outcome<Bearer> {
    let header = jsonwebtoken::decode_header(token).map_err(|_| Code::TokenInvalid)?;
    let named = header.kid.ok_or(Code::TokenInvalid)?;
    let secret = secrets.find(|secret| kid(secret) == named).ok_or(Code::TokenInvalid)?;
    let mut validation = Validation::new(Algorithm::HS256);
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[ISSUER]);
    validation.set_required_spec_claims(&["exp", "nbf", "aud", "iss", "sub"]);
    // The library would compare with the system's clock; `is_current` compares with ours.
    validation.validate_exp = false;
    let key = DecodingKey::from_secret(secret);
    let claims = jsonwebtoken::decode::<Claims>(token, &key, &validation)
        .map_err(|_| Code::TokenInvalid)?
        .claims;
    if claims.typ != "access" || !is_current(&claims, now) {
        return Err(Code::TokenInvalid.into());
    }
    Ok(Bearer { account: claims.sub, session: claims.sid })
}

fn is_current(claims: &Claims, now: Instant) -> bool {
    let (earliest, latest) = (now.seconds() - LEEWAY_SECONDS, now.seconds() + LEEWAY_SECONDS);
    claims.exp > earliest && claims.nbf <= latest && claims.iat <= latest
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"a secret of thirty-two bytes or so";
    const OLD: &[u8] = b"an older secret of thirty-two bytes";
    const NOW: Instant = Instant(1_711_900_800_000);
    const BEARER: Bearer = Bearer { account: Uuid::from_u128(7), session: Uuid::from_u128(8) };

    fn signed(algorithm: Algorithm, change: impl FnOnce(&mut serde_json::Value)) -> String {
        let now = NOW.seconds();
        let mut claims = serde_json::json!({
            "sub": BEARER.account, "sid": BEARER.session, "iss": ISSUER, "aud": ISSUER,
            "typ": "access", "iat": now, "nbf": now, "exp": now + ACCESS_SECONDS,
        });
        change(&mut claims);
        let key = EncodingKey::from_secret(SECRET);
        let header = Header { kid: Some(kid(SECRET)), ..Header::new(algorithm) };
        jsonwebtoken::encode(&header, &claims, &key).expect("a token")
    }

    fn read(token: &str, now: Instant) -> Outcome<Bearer> {
        verify([SECRET, OLD].into_iter(), token, now)
    }

    #[test]
    fn what_was_issued_is_accepted_for_a_quarter_of_an_hour() {
        let token = issue(SECRET, BEARER, NOW).expect("a token");
        assert_eq!(read(&token, NOW).expect("a bearer"), BEARER);
        assert!(read(&token, NOW.plus_seconds(ACCESS_SECONDS + LEEWAY_SECONDS - 1)).is_ok());
        assert!(read(&token, NOW.plus_seconds(ACCESS_SECONDS + LEEWAY_SECONDS)).is_err());
        assert!(read(&token, NOW.plus_seconds(-LEEWAY_SECONDS)).is_ok());
        assert!(read(&token, NOW.plus_seconds(-LEEWAY_SECONDS - 1)).is_err());
    }

    #[test]
    fn a_key_on_its_way_out_still_verifies_and_an_unknown_one_does_not() {
        let token = issue(OLD, BEARER, NOW).expect("a token");
        assert_eq!(read(&token, NOW).expect("a bearer"), BEARER);
        assert!(verify([SECRET].into_iter(), &token, NOW).is_err());
    }

    #[test]
    fn any_other_claim_algorithm_or_form_is_refused() {
        let now = NOW.seconds();
        let set = |name: &'static str, value: serde_json::Value| {
            signed(Algorithm::HS256, |claims| claims[name] = value)
        };
        let without = |name: &'static str| {
            signed(Algorithm::HS256, |claims| {
                claims.as_object_mut().expect("claims").remove(name);
            })
        };
        let good = signed(Algorithm::HS256, |_| ());
        assert!(read(&good, NOW).is_ok());
        let mut flipped = good.clone().into_bytes();
        flipped[60] ^= 1;
        let nameless = {
            let key = EncodingKey::from_secret(SECRET);
            let claims = serde_json::json!({});
            jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).expect("a token")
        };
        let mut cases = vec![
            signed(Algorithm::HS384, |_| ()),
            signed(Algorithm::HS512, |_| ()),
            set("aud", "other".into()),
            set("iss", "other".into()),
            set("typ", "refresh".into()),
            set("exp", (now - LEEWAY_SECONDS).into()),
            set("exp", "never".into()),
            set("nbf", (now + 60).into()),
            set("nbf", "soon".into()),
            set("iat", (now + 60).into()),
            set("sub", "nobody".into()),
            String::from_utf8_lossy(&flipped).into_owned(),
            format!("{good}="),
            format!("{good}.e30"),
            format!("{good}.e30.e30"),
            good.rsplit_once('.').expect("a signature").0.to_owned() + ".",
            nameless,
            String::new(),
        ];
        cases.extend(["sub", "sid", "iss", "aud", "typ", "iat", "nbf", "exp"].map(without));
        for token in cases {
            assert!(read(&token, NOW).is_err(), "{token}");
        }
    }
}
